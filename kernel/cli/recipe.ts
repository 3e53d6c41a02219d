// `afinar recipe`: the image and the kernelspec by which Jupyter Enterprise Gateway runs the kernel on Kubernetes, ready to be edited.
// Only text: nothing is built or installed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kernelspec } from '../host/index.js'
import { packageRoot } from './places.js'

const DOCKERFILE = (version: string) => `# Dockerfile: the image of the kernel. Build it where afinar-${version}.tgz lies (made by: npm run pack:stage).
FROM node:22-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip ca-certificates && rm -rf /var/lib/apt/lists/* \\
 && pip install --break-system-packages --no-cache-dir --no-deps tensorflow-cpu==2.21.*
WORKDIR /opt/afinar
COPY afinar-${version}.tgz .
RUN npm init -y >/dev/null && npm install --ignore-scripts ./afinar-${version}.tgz && rm afinar-${version}.tgz
USER node
WORKDIR /home/node
# The gateway sets KERNEL_ID, PUBLIC_KEY (EG_PUBLIC_KEY), RESPONSE_ADDRESS and PORT_RANGE, which the launcher reads.
CMD ["/opt/afinar/node_modules/.bin/afinar", "gateway"]
`

/** The kernelspec for the gateway; its scripts folder is the one of the gateway's own Python kernelspec for Kubernetes. */
export function gatewayKernelspec(image: string): Record<string, unknown> {
  const { display_name, language, interrupt_mode } = kernelspec()
  const option = (name: string): string[] => [`--RemoteProcessProxy.${name}`, `{${name.replaceAll('-', '_')}}`]
  return {
    display_name: `${String(display_name)} on Kubernetes`, language, interrupt_mode,
    env: { KERNEL_STARTUP_TIMEOUT: '60' },
    metadata: { process_proxy: { class_name: 'enterprise_gateway.services.processproxies.k8s.KubernetesProcessProxy', config: { image_name: image } }, debugger: true },
    argv: ['python', '/usr/local/share/jupyter/kernels/afinar_kubernetes/scripts/launch_kubernetes.py', ...['kernel-id', 'port-range', 'response-address', 'public-key'].flatMap(option)],
  }
}

/** Prints everything, or with `--kernelspec` or `--dockerfile` only that file, to be written by `>`. */
export async function recipe(args: string[]): Promise<number> {
  const at = args.indexOf('--image'), image = at >= 0 ? args[at + 1] : 'registry.example/afinar:latest'
  const unknown = args.find((arg, i) => !['--kernelspec', '--dockerfile', '--image'].includes(arg) && !(at >= 0 && i === at + 1))
  if (unknown !== undefined || !image || image.startsWith('-')) throw new Error(`Cannot print the recipe: ${unknown === undefined ? '--image wants the name of an image behind it' : `"${unknown}" is no option`}. There are --kernelspec, --dockerfile and --image NAME.`)
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  const spec = `${JSON.stringify(gatewayKernelspec(image), null, 2)}\n`
  if (args.includes('--kernelspec')) process.stdout.write(spec)
  else if (args.includes('--dockerfile')) process.stdout.write(DOCKERFILE(version))
  else process.stdout.write(`The kernel in a container of its own, started by Jupyter Enterprise Gateway on Kubernetes.

1. The image:

${DOCKERFILE(version)}
   docker build -t ${image} . && docker push ${image}

2. The kernelspec, beside the gateway's own (folder kernels/afinar_kubernetes, file kernel.json):

${spec}
   and in it the folder scripts/ of the gateway's python_kubernetes kernelspec, which starts the pod:
   cp -r …/kernels/python_kubernetes/scripts …/kernels/afinar_kubernetes/

3. In JupyterLab: jupyter lab --gateway-url=http://GATEWAY:8888, kernel "TypeScript (afinar) on Kubernetes".

Without a gateway the same image runs JupyterLab by itself once \`npx afinar setup\` has been run in it: CMD ["npx", "afinar", "lab", "--ip=0.0.0.0"].
`)
  return 0
}
