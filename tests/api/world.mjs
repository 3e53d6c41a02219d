// The files that the public API's examples name, in a folder of their own: few, small, and real where real ones are at hand.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { buildModel, fineTune, images } from '../../dist/lib/index.js'

const folder = process.argv[2], at = (name) => join(folder, name)
const data = 'notebooks/data'

/** A picture of noise whose colour tells its class. */
const picture = (i, ant) => sharp(Buffer.from(Array.from({ length: 24 * 24 * 3 }, (_, p) => (p % 3 === (ant ? 0 : 2) ? 180 : 60) + (p * 7919 + i * 104729) % 60)), { raw: { width: 24, height: 24, channels: 3 } })
for (const [part, rows] of [['train', 16], ['val', 8], ['test', 8]]) for (const label of ['ants', 'bees']) {
  mkdirSync(at(`data/ants-bees/${part}/${label}`), { recursive: true })
  for (let i = 0; i < rows; i++) await picture(i + rows * 100, label === 'ants').jpeg().toFile(at(`data/ants-bees/${part}/${label}/${i}.jpg`))
}
for (const name of ['garden.jpg', 'bee.jpg']) await picture(1, false).jpeg().toFile(at(name))

mkdirSync(at('cells'))
let index = 'file,label,slide\n'
for (let i = 0; i < 40; i++) {
  await picture(i, i % 2 === 0).png().toFile(at(`cells/${i}.png`))
  index += `${i}.png,${i % 2 ? 'red' : 'white'},${Math.floor(i / 4)}\n`
}
writeFileSync(at('cells/index.csv'), index)
writeFileSync(at('chests.csv'), 'file,findings,patient\n' + Array.from({ length: 40 }, (_, i) => `cells/${i}.png,${['effusion', 'edema|effusion', ''][i % 3]},${Math.floor(i / 4)}`).join('\n'))
writeFileSync(at('films.csv'), 'plot,genres\n' + Array.from({ length: 30 }, (_, i) => `film ${i} of a ${i % 2 ? 'cook' : 'ghost'},${['Comedy', 'Comedy|Romance', 'Horror'][i % 3]}`).join('\n'))
writeFileSync(at('names.conll'), Array.from({ length: 20 }, (_, i) => `${i % 2 ? 'Ada' : 'Kay'} B-person\nis O\nnumber O\n${i} O\n`).join('\n'))

copyFileSync(join(data, 'pneumoniamnist.npz'), at('pneumoniamnist.npz'))
copyFileSync(join(data, 'spoken-digits.tar.gz'), at('digits.tar.gz'))
writeFileSync(at('sms.tsv'), readFileSync(join(data, 'sms-spam-collection.tsv'), 'utf8').split('\n').slice(0, 300).filter((line) => !line.includes('"')).join('\n'))
const header = (dimensions) => { const bytes = Buffer.alloc(4 + 4 * dimensions.length); bytes.writeUInt16BE(0, 0); bytes[2] = 8; bytes[3] = dimensions.length; dimensions.forEach((n, i) => bytes.writeUInt32BE(n, 4 + 4 * i)); return bytes }
writeFileSync(at('train-images-idx3-ubyte.gz'), gzipSync(Buffer.concat([header([60, 28, 28]), Buffer.from(Array.from({ length: 60 * 784 }, (_, i) => (i * 31) % 256))])))
writeFileSync(at('train-labels-idx1-ubyte.gz'), gzipSync(Buffer.concat([header([60]), Buffer.from(Array.from({ length: 60 }, (_, i) => i % 3))])))

const people = ['anna', 'ben', 'cem', 'dora', 'eva', 'finn', 'gil', 'hana']
writeFileSync(at('ratings.csv'), 'userId,movieId,rating\n' + people.slice(1).flatMap((user, u) => Array.from({ length: 12 }, (_, i) => `${user},${(u * 5 + i * 3) % 20},${1 + (u + i) % 5}`)).join('\n') + Array.from({ length: 6 }, (_, i) => `\nanna,${i},${1 + i % 5}`).join(''))
const words = [['Open file', 'Abrir arquivo'], ['Save file', 'Salvar arquivo'], ['Close tab', 'Fechar aba'], ['New notebook', 'Novo caderno'], ['Restart kernel', 'Reiniciar kernel'], ['Delete cell', 'Excluir célula'], ['Copy cell', 'Copiar célula'], ['Run all cells', 'Executar todas as células'], ['Stop kernel', 'Parar kernel'], ['Rename file', 'Renomear arquivo'], ['Open tab', 'Abrir aba'], ['New file', 'Novo arquivo']]
writeFileSync(at('en-pt.tsv'), 'en\tpt\n' + words.map((pair) => pair.join('\t')).join('\n'))
mkdirSync(at('jupyterlab_language_pack_pt_BR-4.4.whl/locale/pt_BR/LC_MESSAGES'), { recursive: true }) // unpacked: the reader takes folders too
writeFileSync(at('jupyterlab_language_pack_pt_BR-4.4.whl/locale/pt_BR/LC_MESSAGES/jupyterlab.po'), words.map(([en, pt]) => `msgid "${en}"\nmsgstr "${pt}"\n`).join('\n'))
const liked = ['a warm and funny film', 'great acting throughout', 'a joy from start to end', 'moving, clever, well told'], disliked = ['dull and far too long', 'a waste of an evening', 'flat jokes and no plot', 'tedious, loud and empty']
writeFileSync(at('reviews.csv'), 'text,label,split\n' + [...liked.map((text) => [text, 'positive']), ...disliked.map((text) => [text, 'negative'])].flatMap(([text, label]) => [`"${text}",${label},train`, `"${text}, they say",${label},train`, `"they say: ${text}",${label},test`]).join('\n'))

const photos = await images.fromFolder(at('data/ants-bees'))
const model = buildModel('small-cnn', { classes: photos.classes, imageSize: 32, seed: 0 })
await (await fineTune(model, photos, { epochs: 1, live: false, seed: 0 })).save(at('models/ants-bees'))
