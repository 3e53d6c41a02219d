"""Every row of the design's table that is about being right, asked by Jupyter's own client."""
import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import time

from jupyter_client.blocking.client import BlockingKernelClient

from client import Kernel, alive, gone, main, tree


# -- running cells --------------------------------------------------------------------------------------------------

def test_result_and_count(k):
    first = k.run("const a = 20; a + 22")
    assert first.result == "42", first.messages
    second = k.run("a")
    assert second.result == "20"
    assert second.reply["content"]["execution_count"] == first.reply["content"]["execution_count"] + 1
    kinds = [m["msg_type"] for m in first.messages]
    assert kinds == ["status", "execute_input", "execute_result", "status"], kinds


def test_redeclaration_and_top_level_await(k):
    assert k.run("const a = 'again'; class C { x = 1 }").status == "ok"
    assert k.run("const a = await Promise.resolve(7); class C { y = 2 }; a").result == "7"
    assert k.run("let t = 0; for await (const q of (async function* () { yield 1; yield 2 })()) t += q; t").result == "3"


def test_using_enums_and_imports(k):
    assert k.run("enum Colour { Red, Green }; Colour.Green").result == "1"
    assert k.run("let closed = false; { using file = { [Symbol.dispose]() { closed = true } } } closed").result == "true"
    assert k.run("import { join } from 'node:path'; import * as fs from 'node:fs'; join('a', 'b')").result == "'a/b'"


SYNTAX = [  # a cell, and its result
    ("{ a: 1, b: { c: 2 } }", "{ a: 1, b: { c: 2 } }"),
    ("{ a: 1 }", "{ a: 1 }"),
    ("{ const inner = 5 } 'a block'", "'a block'"),
    ("const closings: string[] = []\nclass Held { constructor(readonly n: string) {} [Symbol.dispose]() { closings.push(this.n) } async [Symbol.asyncDispose]() { await null; closings.push('a' + this.n) } }\n{ using a = new Held('1'); await using b = new Held('2') }\nfor (using each of [new Held('3')]) closings.push('loop')\nclosings", "[ 'a2', '1', 'loop', '3' ]"),
    ("const logged: string[] = []\nfunction log(method: any, context: ClassMethodDecoratorContext) { return function (this: any, ...given: any[]) { logged.push(String(context.name)); return method.apply(this, given) } }\nclass Decorated { @log twice(n: number) { return n * 2 } @((_: any, __: any) => {}) accessor held = 3 }\n[new Decorated().twice(4), logged]", "[ 8, [ 'twice' ] ]"),
    ("enum Shade { Dark = 1, Light = Dark << 2 }; const enum Fixed { Q = 7 }; [Shade.Light, Shade[1], Fixed.Q]", "[ 4, 'Dark', 7 ]"),
    ("namespace Outer { export const a = 1; export namespace Inner { export const f = () => a } }\nOuter.Inner.f()", "1"),
    ("abstract class Base { abstract f(): number; protected constructor(public a: number, private b?: string) {} }\nclass Derived extends Base { constructor() { super(5) } override f() { return this.a } }\nnew Derived().f()", "5"),
    ("import type { Shape } from './shapes.ts'\nimport { type Name, area } from './shapes.ts'\nconst shape: Shape = { w: 2, h: 3 }; const label: Name = 'x'; [area(shape), label]", "[ 6, 'x' ]"),
    ("import settings from './settings.json' with { type: 'json' }\nsettings.rate + (await import('./settings.json')).default.rate", "1"),
    ("import late, * as all from './late.mjs'\n[late, all.later]", "[ 3, 'after its await' ]"),
    ("import common from './common.cjs'\n[common.n, require('./common.cjs').n, require('node:path').basename(__filename)]", "[ 4, 4, 'my.ipynb' ]"),
    ("[import.meta.url.endsWith('/my.ipynb'), import.meta.dirname === process.cwd(), import.meta.resolve('./shapes.ts').startsWith('file:')]", "[ true, true, true ]"),
    ("import { MagicStringIsOnlyTheKernels } from './nearer.ts'\nimport magic from 'magic-string'\n[MagicStringIsOnlyTheKernels, typeof magic, (await import('afinar')) !== undefined]", "[ 1, 'function', true ]"),
    ("import { where } from 'marked'\nwhere", "'the notebook'"),
    ("outer: for (const i of [1, 2]) for (const j of [1]) continue outer\nvar hoisted = 1; if (true) { var inner = 2 }\n[hoisted, inner]", "[ 1, 2 ]"),
    ("export default class Exported { a = 1 }\nnew Exported()", "Exported { a: 1 }"),
    ("<T,>(x: T) => x", "[Function (anonymous)]"),
]


def test_what_a_cell_may_contain():
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {
            "shapes.ts": "export interface Shape { w: number; h: number }\nexport type Name = string\nexport const area = ({ w, h }: Shape): number => w * h\n",
            "settings.json": '{ "rate": 0.5 }', "late.mjs": "export const later = await new Promise(r => setTimeout(r, 5, 'after its await')); export default 3\n",
            "common.cjs": "exports.n = 4\n", "nearer.ts": "export const MagicStringIsOnlyTheKernels = 1\n",
            "node_modules/marked/package.json": '{ "name": "marked", "version": "0.0.1", "main": "index.js", "types": "index.d.ts" }',
            "node_modules/marked/index.js": "exports.where = 'the notebook'\n", "node_modules/marked/index.d.ts": "export const where: string\n",
        }.items():
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with open(f"{folder}/{name}", "w") as f:
                f.write(text)
        with Kernel(cwd=folder, env={"JPY_SESSION_NAME": f"{folder}/my.ipynb"}) as k:
            for code, expected in SYNTAX:
                out = k.run(code)
                assert out.result == expected, (code, out.result, out.error)
            assert k.run("const jsx = <div/>").status == "error"


def test_a_cell_that_fails_half_way_keeps_what_it_had_defined(k):
    assert k.run("let half1 = 1; function half2() { return 2 }; class Half3 {}; JSON.parse('{'); const half4 = 4").status == "error"
    assert k.run("[half1, half2(), typeof Half3]").result == "[ 1, 2, 'function' ]"
    assert k.run("const half4 = 'now'; half4").result == "'now'"


def test_cells_run_again_in_another_order(k):
    for code, result in [("const unit = 2", None), ("const scaled = unit * 10", None), ("const unit = 'metre'", None), ("scaled.toFixed(1) + unit.toUpperCase()", "'20.0METRE'"), ("const scaled = unit.length", None), ("const unit = 2", None), ("[scaled.toFixed(), unit.toFixed()]", "[ '5', '2' ]")]:
        out = k.run(code)
        assert out.status == "ok" and out.result == result, (code, out.error)
    out = k.run("unit.length")
    assert out.status == "error" and "TS2339" in out.error["evalue"], out.messages


def test_error_has_name_value_traceback_and_place(k):
    out = k.run("const fine = 1\nfunction deep() {\n  throw new RangeError('too far')\n}\ndeep()")
    assert out.status == "error" and out.error["ename"] == "RangeError" and out.error["evalue"] == "too far", out.messages
    text = "\n".join(out.error["traceback"])
    assert ":3:" in text.replace("\x1b[0m", "") or "3" in text, text
    assert out.reply["content"]["ename"] == "RangeError"


def test_error_in_an_imported_file_has_its_place(k):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/broken.ts", "w") as f:
            f.write("interface Unused { a: number }\n\nexport function broken(n: number): number {\n  throw new Error('inside ' + n)\n}\n")
        out = k.run(f"import {{ broken }} from '{folder}/broken.ts'\nbroken(3)")
        assert out.status == "error", out.messages
        text = "\n".join(out.error["traceback"])
        assert "broken.ts" in text and "4:9" in text, text


def plain(error):
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error["traceback"]))


def test_code_that_cannot_be_read_has_its_place(k):
    with tempfile.TemporaryDirectory() as folder:
        for name, code in [("bad.ts", "export const a = 1\nexport const x: = 5\n"), ("bad.mjs", "export const a = 1\nexport const x = ;\n"), ("bad.cjs", "exports.a = 1\nexports.b = {{\n")]:
            with open(f"{folder}/{name}", "w") as f:
                f.write(code)
            out = k.run(f"%types off\nawait import('{folder}/{name}')")
            text = plain(out.error)
            assert out.error["ename"] == "SyntaxError" and f"{name}:2:" in text and f"2 | {code.splitlines()[1]}" in text and "^" in text, text
    k.run("%types on")


def test_causes_members_and_folded_libraries(k):
    out = k.run("import { readFileSync } from 'node:fs'\nfunction load() { try { readFileSync('/nowhere/x') } catch (cause) { throw new Error('cannot load', { cause }) } }\nload()")
    text = plain(out.error)
    assert re.search(r"Error: cannot load\n +at load \(Cell \[\d+\]:2:\d+\)", text) and "Caused by:\nError: ENOENT" in text and "frames in node:fs" in text and "code: 'ENOENT'" in text, text
    text = plain(k.run("throw new AggregateError([new RangeError('first'), new Error('second', { cause: 'reason' })], 'both')").error)
    assert text.startswith("AggregateError: both") and "  RangeError: first" in text and "  Error: second" in text and "'reason'" in text, text
    assert "\x1b[31m" in "\n".join(out.error["traceback"])


def test_printed_stacks_end_at_the_cell(k):
    out = k.run("console.log(new Error('seen')); console.trace('traced'); new Error('shown')")
    text = out.text() + out.text("stderr") + out.result
    assert len(re.findall(r"at Cell \[\d+\]:1:\d+", text)) == 3 and "node:inspector" not in text and "dist/kernel" not in text, text


def test_the_place_in_a_long_line_is_shown(k):
    padding = "/* " + "long " * 100 + "*/"
    text = plain(k.run(f"const none: any = null; {padding} none.inner; {padding}").error)
    source, mark = text.splitlines()[-2:]
    assert source[mark.index("^") - 5:].startswith("none.inner;"), text
    text = plain(k.run(f"const one = 1; {padding} one.inner; {padding}").error)
    source, mark = text.splitlines()[-2:]
    assert source[mark.index("~") - 4:].startswith("one.inner;") and len(source) < 200, text


def test_variables_survive_a_throw(k):
    assert k.run("let kept = 5; kept = 6; throw new Error('boom')").status == "error"
    assert k.run("kept").result == "6"


def test_type_errors_say_what_typescript_knows(k):
    text = plain(k.run("function tall(a: { b: { c: number } }) {}\ntall({ b: { c: 'x' } })").error)
    assert re.match(r"Cell \[\d+\]:2:13 TS2322: Type 'string' is not assignable to type 'number'\.\n", text) and "2 │ tall({ b: { c: 'x' } })" in text and "expected type comes from property 'c'" in text, text
    text = plain(k.run("interface Options { colour: string }\nconst options: Options = { color: 'red' }").error)
    assert "Did you mean to write 'colour'?" in text, text
    text = plain(k.run("\n".join(f"const wrong{i}: string = {i}" for i in range(50))).error)
    assert text.count("TS2322") == 20 and text.endswith("… and 30 more"), text


def test_type_errors_stop_the_cell(k):
    out = k.run("console.log('ran')\nconst n: number = 'text'")
    assert out.status == "error" and out.text() == "", out.messages
    text = "\n".join(out.error["traceback"])
    assert "TS2322" in text and ":2:7" in text and "~" in text, text


def test_types_magic(k):
    out = k.run("%types warn\nconst n: number = 'text'\nconsole.log('ran')")
    assert out.status == "ok" and out.text() == "ran\n" and "TS2322" in out.text("stderr"), out.messages
    assert k.run("%types off\nconst m: number = 'text'").text("stderr") == ""
    assert k.run("%types on").status == "ok"
    assert k.run("const m2: number = 'text'").status == "error"
    assert k.run("%nonsense").status == "error"


def test_relative_ts_reloaded_after_an_edit():
    with tempfile.TemporaryDirectory() as folder, Kernel(cwd=folder) as k:
        def write(n):
            with open(f"{folder}/part.ts", "w") as f:
                f.write(f"export const n: number = {n}\n")
        write(1)
        assert k.run("import { n } from './part.ts'; n").result == "1"
        write(2)
        assert k.run("import { n } from './part.ts'; n").result == "2"
        assert k.run("process.cwd()").result == f"'{os.path.realpath(folder)}'"


def test_silent_and_store_history(k):
    count = k.run("1").reply["content"]["execution_count"]
    silent = k.run("2", silent=True)
    assert [m["msg_type"] for m in silent.messages] == ["status", "status"], silent.messages
    assert silent.reply["content"]["execution_count"] == count
    unstored = k.run("3", store_history=False)
    assert unstored.result == "3" and unstored.reply["content"]["execution_count"] == count
    assert k.run("4").reply["content"]["execution_count"] == count + 1


def test_user_expressions(k):
    k.run("const base = 40")
    content = k.run("0", user_expressions={"good": "base + 2", "bad": "nowhere.x"}).reply["content"]["user_expressions"]
    assert content["good"]["status"] == "ok" and content["good"]["data"]["text/plain"] == "42", content
    assert content["bad"]["status"] == "error" and content["bad"]["ename"] == "ReferenceError", content


def test_stop_on_error(k):
    first = k.send("await new Promise(r => setTimeout(r, 200)); throw new Error('stop')")
    queued = [k.send("console.log('must not run')") for _ in range(3)]
    assert k.collect(first).status == "error"
    after = k.send("console.log('runs')")
    for each in queued:
        out = k.collect(each)
        assert out.status == "aborted" and out.text() == "", out.messages
    assert k.collect(after).text() == "runs\n"


def test_a_cell_sent_50_ms_after_an_error_runs(k):
    first = k.send("throw new Error('stop')")
    k.collect(first)
    time.sleep(0.05)
    assert k.run("'runs'").status == "ok"


def test_stop_on_error_false(k):
    first = k.send("throw new Error('go on')", stop_on_error=False)
    second = k.send("console.log('runs')")
    assert k.collect(first).status == "error"
    assert k.collect(second).text() == "runs\n"


# -- output ---------------------------------------------------------------------------------------------------------

def test_ten_thousand_lines(k):
    out = k.run("for (let i = 0; i < 10_000; i++) console.log(i)")
    assert out.text() == "".join(f"{i}\n" for i in range(10_000))
    assert len(out.of("stream")) < 500


def test_stdout_and_stderr_in_order(k):
    out = k.run("for (let i = 0; i < 50; i++) { console.log('o' + i); console.error('e' + i) }")
    assert "".join(c["text"] for c in out.of("stream")) == "".join(f"o{i}\ne{i}\n" for i in range(50))


def test_fifty_megabytes(k):
    out = k.run("console.log('x'.repeat(50_000_000))")
    assert len(out.text()) == 50_000_001


def test_output_of_a_blocked_loop_arrives_while_it_runs(k):
    msg = k.send("console.log('early'); const until = Date.now() + 1500; while (Date.now() < until); console.log('late')")
    start = time.time()
    while True:
        message = k.iopub(5)
        if message["msg_type"] == "stream" and message["parent_header"]["msg_id"] == msg:
            break
    assert time.time() - start < 1.2, "the first line waited for the end of the loop"
    k.collect(msg)


def test_endless_printing_is_live_and_can_be_stopped(k):
    k.run("0")
    msg = k.send("for (let i = 0; ; i++) console.log('line ' + i)")
    time.sleep(2)
    sizes = [resident(pid) for pid in [k.pid, *tree(k.pid)]]
    k.interrupt()
    out = k.collect(msg, 60)
    assert out.status == "error"
    text = out.text()
    lines = text.splitlines()
    assert len(lines) > 20_000, len(lines)
    assert all(line == f"line {i}" for i, line in enumerate(lines[:-1])), "lines are lost or out of order"
    assert max(sizes) < 900, sizes


def test_two_hundred_updates(k):
    out = k.run("""const s = (globalThis as any)[Symbol.for('afinar.session')]
s.display({ 'text/plain': 'start' }, { id: 'd1' })
for (let i = 0; i < 200; i++) { s.display({ 'text/plain': 'step ' + i }, { id: 'd1', update: true }); await new Promise(r => setTimeout(r, 2)) }""")
    assert out.status == "ok", out.messages
    updates = out.of("update_display_data")
    assert len(updates) == 200 and updates[-1]["data"]["text/plain"] == "step 199"
    assert updates[0]["transient"]["display_id"] == "d1" and len(out.of("display_data")) == 1


def test_timer_output_goes_to_its_cell(k):
    first = k.send("setTimeout(() => console.log('of the first'), 400); 0")
    k.collect(first)
    second = k.run("await new Promise(r => setTimeout(r, 800)); console.log('of the second')")
    assert second.text() == "of the second\n", second.messages
    late = [m for m in k.later(0.2) if m["msg_type"] == "stream"]
    assert [(m["content"]["text"], m["parent_header"]["msg_id"]) for m in late] == [("of the first\n", first)], late


def test_native_output_and_child_processes(k):
    out = k.run("""import { writeSync } from 'node:fs'
import { execFileSync, spawnSync } from 'node:child_process'
writeSync(1, 'raw one\\n')
writeSync(2, 'raw two\\n')
spawnSync('sh', ['-c', 'echo from the child; echo to stderr >&2'], { stdio: 'inherit' })""")
    assert "raw one\n" in out.text() and "from the child\n" in out.text(), out.messages
    assert "raw two\n" in out.text("stderr") and "to stderr\n" in out.text("stderr")


def test_native_output_comes_in_order(k):
    for child in ("console.log(i + 2)", "spawnSync('echo', [String(i + 2)], { stdio: 'inherit' })"):
        out = k.run("import { writeSync } from 'node:fs'\nimport { spawnSync } from 'node:child_process'\nfor (let i = 0; i < 60; i += 3) { console.log(i); writeSync(1, `${i + 1}\\n`); %s }" % child)
        assert out.text().split() == [str(i) for i in range(60)], out.text().split()
    for _ in range(10):  # each in its own cell, also when the cells follow at once
        first, second = k.send("writeSync(1, 'one\\n')"), k.send("console.log('two'); writeSync(1, 'three\\n')")
        assert k.collect(first).text() == "one\n"
        assert k.collect(second).text() == "two\nthree\n"


def test_child_processes_may_write_as_they_like(k):
    """Many tiny writes of a program that does not expect a pipe to be non-blocking."""
    child = 'import os\\nfor i in range(30_000):\\n  os.write(1, b"line "); os.write(1, b"%d\\\\n" % i)'
    out = k.run(f"import {{ spawn }} from 'node:child_process'\nawait new Promise(r => spawn({json.dumps(sys.executable)}, ['-c', '{child}'], {{ stdio: 'inherit' }}).on('exit', r))")
    assert out.status == "ok", out.error
    assert out.text() == "".join(f"line {i}\n" for i in range(30_000)), len(out.text())
    assert len(out.of("stream")) < 3000, len(out.of("stream"))


def test_libraries_say_nothing_of_their_own_accord():
    """Greetings, advertisements and warnings of what stands between the user and the result are none of the user's output."""
    doors = [
        ["import * as dfd from 'danfojs-node'; const df = new dfd.DataFrame({ a: [1, 2, 3] }); df", "new dfd.StandardScaler().fit(df).transform(df)", "df.tensor.sum().dataSync()"],
        ["import * as tf from '@tensorflow/tfjs'; tf.add(1, 2).dataSync()"],
        ["import { tf, figure, table, plots } from 'afinar'; tf.add(1, 2).dataSync()", "figure({ data: [{ y: [1, 2] }] })",
         "require('fs').writeFileSync('a.csv', 'a,b\\n1,2\\n'); await table('a.csv')"],
        ["import sharp from 'sharp'; (await sharp({ create: { width: 2, height: 2, channels: 3, background: '#fff' } }).png().toBuffer()).length",
         "import { DuckDBInstance } from '@duckdb/node-api'; const c = await (await DuckDBInstance.create()).connect(); (await c.runAndReadAll('select 42 as a')).getRows()",
         "import { JSDOM } from 'jsdom'; new JSDOM('<p>').window.document.title", "require('punycode').encode('é')"],
    ]
    with tempfile.TemporaryDirectory() as folder:
        for door in doors:
            with Kernel(cwd=folder) as k:
                for code in door:
                    outcome = k.run(code, timeout=120)
                    assert outcome.status == "ok", (code, outcome.error)
                    assert outcome.text("stderr") == outcome.text() == "", (code, outcome.text("stderr"), outcome.text())
    # what the user's own code is warned of is theirs
    with Kernel() as k:
        own = k.run("console.warn('Hi, looks like you are running'); process.emitWarning('mine'); await new Promise(r => setTimeout(r, 50))").text("stderr")
        assert "Hi, looks" in own and "Warning: mine" in own, own


def test_a_closed_descriptor_costs_no_output():
    with Kernel() as k:
        assert k.run("import { closeSync } from 'node:fs'; closeSync(1); 'closed'").result == "'closed'"
        out = k.run("console.log('still'); 'here'")
        assert out.text() == "still\n" and out.result == "'here'"


def test_a_front_end_that_pauses_misses_nothing(k):
    """More messages than all queues on the way can hold, each of its own, so that none is merged."""
    msg = k.send("const shown = (globalThis as any)[Symbol.for('afinar.session')]\nfor (let i = 0; i < 8000; i++) shown.display({ 'text/plain': String(i) })")
    time.sleep(2.5)
    out = k.collect(msg)
    assert [c["data"]["text/plain"] for c in out.of("display_data")] == [str(i) for i in range(8000)]


def test_a_flood_that_nobody_reads_stays_in_bounds():
    with Kernel() as k:
        k.run("0")
        msg = k.send("const text = 'z'.repeat(100_000); for (;;) { console.log(text); (globalThis as any)[Symbol.for('afinar.session')].display({ 'text/plain': text }) }")
        sizes = []
        for _ in range(8):
            time.sleep(0.5)
            sizes.append(max(resident(pid) for pid in [k.pid, *tree(k.pid)]))
        k.interrupt()
        assert k.collect(msg, 60).status == "error"
        assert max(sizes) < 900, sizes
        assert k.run("'alive'").result == "'alive'"


def test_clear_output(k):
    assert k.run("console.clear()").of("clear_output") == [{"wait": False}]


# -- stop -----------------------------------------------------------------------------------------------------------

def stopped(k, code, before=0.5):
    k.run("0")
    msg = k.send(code)
    time.sleep(before)
    start = time.perf_counter()
    k.interrupt()
    out = k.collect(msg, 10)
    return out, time.perf_counter() - start


def test_stop_a_synchronous_loop(k):
    out, seconds = stopped(k, "let n = 0; while (true) n++")
    assert out.status == "error" and seconds < 0.5, (out.messages, seconds)
    assert k.run("n > 0").result == "true"


def test_stop_an_async_loop(k):
    out, seconds = stopped(k, "let m = 0; for (;;) { m++; await new Promise(r => setTimeout(r, 5)) }")
    assert out.status == "error" and seconds < 0.5, (out.messages, seconds)
    assert k.run("m > 0").result == "true"


def test_stop_a_loop_after_an_await(k):
    out, seconds = stopped(k, "await new Promise(r => setTimeout(r, 20)); let p = 0; while (true) p++")
    assert out.status == "error" and seconds < 0.5, (out.messages, seconds)
    assert k.run("p > 0").result == "true"


def test_stop_ends_no_other_cell(k):
    for _ in range(5):
        k.interrupt()
    assert k.run("'untouched'").status == "ok"


def test_stop_aborts_what_is_queued(k):
    k.run("0")
    first = k.send("while (true) {}")
    second = k.send("console.log('must not run')")
    time.sleep(0.4)
    k.interrupt()
    assert k.collect(first, 10).status == "error"
    assert k.collect(second, 10).status == "aborted"


def test_stop_while_a_child_process_is_waited_for(k):
    k.run("import 'node:child_process'")
    msg = k.send("import { execSync } from 'node:child_process'\nexecSync('sleep 30')")
    time.sleep(0.6)
    k.interrupt()
    time.sleep(0.3)
    k.interrupt()
    assert k.collect(msg, 8).status == "error"


def test_a_second_stop_ends_who_listens(k):
    k.run("0")
    msg = k.send("(globalThis as any)[Symbol.for('afinar.session')].signal.addEventListener('abort', () => console.log('asked'))\nlet steps = 0; for (;;) { steps++; await new Promise(r => setTimeout(r, 5)) }")
    time.sleep(0.4)
    k.interrupt()
    time.sleep(0.6)
    k.interrupt()
    out = k.collect(msg, 10)
    assert out.status == "error" and out.text() == "asked\n", out.messages
    assert k.run("steps > 60").result == "true"


def test_native_code_that_cannot_be_stopped_is_named(k):
    k.run("0")
    msg = k.send("import { pbkdf2Sync } from 'node:crypto'\npbkdf2Sync('a', 'b', 5_000_000, 64, 'sha512'); 'returned'")
    time.sleep(0.6)
    k.interrupt()
    time.sleep(0.1)
    k.interrupt()
    out = k.collect(msg, 60)
    assert out.status == "error" and (out.seconds < 3 or "native code" in out.text("stderr")), (out.seconds, out.messages)


def test_displays_and_getters_without_end_are_stopped(k):
    for code in ["({ get [Symbol.for('Jupyter.display')](): any { while (true); } })", "new Proxy({}, { get() { while (true); } })", "const trap = { get x(): number { while (true); } }; trap.x"]:
        stopped(k, code)
    reply, seconds = k.ask("complete_request", {"code": "trap.x.toFix", "cursor_pos": 12})
    assert reply["content"]["matches"] == ["toFixed"] and seconds < 1, reply["content"]
    assert k.run("'alive'").result == "'alive'"


def test_microtask_loop_can_be_stopped(k):
    out, seconds = stopped(k, "const spin = (): Promise<void> => Promise.resolve().then(spin)\nawait spin()")
    assert out.status == "error" and seconds < 1, (out.messages, seconds)
    assert k.run("'alive'").status == "ok"


# -- answers while busy ---------------------------------------------------------------------------------------------

def test_answers_while_a_loop_runs(k):
    k.run("const answer = { fortyTwo: 42, fortyThree: 43 }")
    msg = k.send("const end = Date.now() + 2500; while (Date.now() < end);")
    time.sleep(0.4)
    k.ask("complete_request", {"code": "answer.", "cursor_pos": 7})
    reply, seconds = k.ask("complete_request", {"code": "answer.fo", "cursor_pos": 9})
    assert set(reply["content"]["matches"]) >= {"fortyTwo", "fortyThree"} and seconds < 0.5, (reply["content"], seconds)
    reply, seconds = k.ask("inspect_request", {"code": "answer", "cursor_pos": 3, "detail_level": 0})
    assert reply["content"]["found"] and "fortyTwo" in reply["content"]["data"]["text/plain"] and seconds < 0.5
    for kind, content in [("kernel_info_request", {}), ("is_complete_request", {"code": "if (x) {"}), ("comm_info_request", {}), ("history_request", {"hist_access_type": "tail", "n": 3, "output": False, "raw": True})]:
        reply, seconds = k.ask(kind, content)
        assert reply["content"].get("status") in ("ok", "incomplete") and seconds < 0.3, (kind, seconds)
    assert k.client.is_alive() and k.client.hb_channel.is_beating()
    assert k.collect(msg).status == "ok"


def test_completion_after_an_emoji(k):
    code = "const s = '😀😀'; s.toUpp"
    reply, _ = k.ask("complete_request", {"code": code, "cursor_pos": len(code)})
    content = reply["content"]
    assert "toUpperCase" in content["matches"] and content["cursor_end"] == len(code), content


def ask_complete(k, code, cursor=None):
    return k.ask("complete_request", {"code": code, "cursor_pos": len(code) if cursor is None else cursor})[0]["content"]


def test_completion_inside_strings_and_imports():
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/data")
        for name in ("data/rows.csv", "part.ts", "draft.txt"):
            with open(f"{folder}/{name}", "w") as f:
                f.write("export const exported = 1\n" if name.endswith("ts") else "")
        with Kernel(cwd=folder) as k:
            for code, matches in [("import { readFileSync } from 'node:fs'; readFileSync('./d", ["data/", "draft.txt"]), ("table('data/", ["rows.csv"]), ("import part from './pa", ["part.ts"]), ("await import('./", ["part.ts"]), ("require('./", ["part.ts"])]:
                found = ask_complete(k, code)
                assert set(matches) <= set(found["matches"]), (code, found["matches"])
            assert "exported" in ask_complete(k, "import {  } from './part.ts'", 9)["matches"]
            assert {"node:fs", "node:fs/promises"} <= set(ask_complete(k, "import fs from 'node:f")["matches"])
            assert ask_complete(k, "const side: 'left' | 'right' = 'le")["matches"] == ["left"]
            found = ask_complete(k, "'😀' + readFile('dat")
            assert found["matches"] == ["data/"] and (found["cursor_start"], found["cursor_end"]) == (16, 19), found


def test_completion_says_what_things_are(k):
    k.run("/** Adds. */ function joined(a: number, b = 2) { return a + b }\nclass Jar { /** how wide */ width = 1; lift() {} }\nenum Jolt { Big }; const jewel = 1; let jump = 2; interface Jig { a: 1 }; namespace Jam { export const z = 1 }\nimport * as journal from 'node:fs'")
    kinds = {item["text"]: item["type"] for item in ask_complete(k, "j")["metadata"]["_jupyter_types_experimental"]}
    assert kinds | {"joined": "function", "Jar": "class", "Jolt": "enum", "jewel": "constant", "jump": "variable", "Jam": "module", "journal": "module"} == kinds, kinds
    [item] = ask_complete(k, "joine")["metadata"]["_jupyter_types_experimental"]
    assert item["signature"] == "function joined(a: number, b?: number): number" and item["documentation"] == "Adds.", item
    members = {item["text"]: item["type"] for item in ask_complete(k, "new Jar().")["metadata"]["_jupyter_types_experimental"]}
    assert members == {"width": "property", "lift": "method"}, members


def test_hover_is_markdown(k):
    k.run("/**\n * The way home.\n * @param street where it begins\n */\nfunction homeward(street: string): string { return street }")
    for code in ("homeward", "homeward("):
        content = k.ask("inspect_request", {"code": code, "cursor_pos": len(code), "detail_level": 0})[0]["content"]
        markdown = content["data"]["text/markdown"]
        assert content["found"] and markdown.startswith("```typescript\n") and "homeward(street: string): string" in markdown and "The way home." in markdown and "where it begins" in markdown, markdown
    assert not k.ask("inspect_request", {"code": "nobodyDeclaredThis", "cursor_pos": 5, "detail_level": 0})[0]["content"]["found"]


def test_is_complete(k):
    for code, status in [("1 + 1", "complete"), ("function f() {", "incomplete"), ("const = 3", "invalid"), ("await fetch('x')", "complete")]:
        reply, _ = k.ask("is_complete_request", {"code": code})
        assert reply["content"]["status"] == status, (code, reply["content"])


def test_help_page(k):
    k.run("/** The way home. */\nfunction home(street: string): string { return street }")
    payload = k.run("home?").reply["content"]["payload"]
    assert payload[0]["source"] == "page" and "home(street: string)" in payload[0]["data"]["text/plain"], payload


# -- history, comms, stdin ------------------------------------------------------------------------------------------

def test_history(k):
    k.run("'first of history'")
    k.run("'second of history'")
    ask = lambda **c: k.ask("history_request", {"output": False, "raw": True, **c})[0]["content"]["history"]
    tail = ask(hist_access_type="tail", n=2)
    assert [h[2] for h in tail] == ["'first of history'", "'second of history'"]
    session, line, _ = tail[0]
    assert ask(hist_access_type="range", session=session, start=line, stop=line + 1) == [tail[0]]
    assert ask(hist_access_type="range", session=0, start=line, stop=line + 1)[0][2] == tail[0][2]
    assert ask(hist_access_type="search", pattern="*second of*", n=1)[0][2] == "'second of history'"
    assert ask(hist_access_type="tail", n=1, output=True)[0][2] == ["'second of history'", "'second of history'"]


def comms_of(messages, *kinds):
    return [m for m in messages if m["msg_type"] in (kinds or ("comm_open", "comm_msg", "comm_close"))]


def test_comm_from_the_kernel(k):
    out = k.run("""const session = (globalThis as any)[Symbol.for('afinar.session')]
const comm = session.comm('a target', { hello: 1 })
comm.onMessage((data: any, buffers: Uint8Array[]) => comm.send({ twice: data.n * 2 }, { buffers: buffers.map(b => b.slice().reverse()) }))
comm.id""")
    opened = comms_of(out.messages, "comm_open")
    assert opened and opened[0]["content"]["target_name"] == "a target" and opened[0]["content"]["data"] == {"hello": 1}, out.messages
    comm_id = opened[0]["content"]["comm_id"]
    assert comm_id in k.ask("comm_info_request", {"target_name": "a target"})[0]["content"]["comms"]
    assert k.ask("comm_info_request", {"target_name": "another"})[0]["content"]["comms"] == {}
    session = k.client.session
    session.send(k.client.shell_channel.socket, session.msg("comm_msg", {"comm_id": comm_id, "data": {"n": 21}}), buffers=[b"abc", bytes(1_000_000) + b"z"])
    back = comms_of(k.later(0.7), "comm_msg")
    assert back[0]["content"]["data"] == {"twice": 42} and bytes(back[0]["buffers"][0]) == b"cba", back
    assert len(back[0]["buffers"][1]) == 1_000_001 and bytes(back[0]["buffers"][1][:1]) == b"z"
    session.send(k.client.shell_channel.socket, session.msg("comm_close", {"comm_id": comm_id, "data": {}}))
    time.sleep(0.2)
    assert comm_id not in k.ask("comm_info_request", {})[0]["content"]["comms"]


def test_unknown_comm_target_is_closed(k):
    session = k.client.session
    session.send(k.client.shell_channel.socket, session.msg("comm_open", {"comm_id": "lost", "target_name": "nobody", "data": {}}))
    closed = comms_of(k.later(0.6), "comm_close")
    assert closed and closed[0]["content"]["comm_id"] == "lost"
    assert "lost" not in k.ask("comm_info_request", {})[0]["content"]["comms"]


def test_stdin(k):
    msg = k.send("const name = prompt('Who?'); name", allow_stdin=True)
    request = k.client.get_stdin_msg(timeout=10)
    assert request["content"]["prompt"].startswith("Who?") and request["content"]["password"] is False, request
    assert request["parent_header"]["msg_id"] == msg
    k.client.input("Ada")
    assert k.collect(msg).result == "'Ada'"


def test_password(k):
    msg = k.send("(globalThis as any)[Symbol.for('afinar.session')].input('Secret: ', { password: true }).length", allow_stdin=True)
    request = k.client.get_stdin_msg(timeout=10)
    assert request["content"] == {"prompt": "Secret: ", "password": True}, request
    k.client.input("hunter2")
    assert k.collect(msg).result == "7"


def test_features(k):
    """What is not there is not promised, and asking for it all the same is answered."""
    info = k.ask("kernel_info_request", {})[0]["content"]
    assert info["protocol_version"] == "5.5" and "kernel subshells" not in info["supported_features"], info
    for request in ("create_subshell_request", "list_subshell_request", "delete_subshell_request"):
        assert k.ask(request, {}, channel="control")[0]["content"]["status"] == "error"
    message = k.client.session.msg("execute_request", {"code": "1 + 1", "silent": False, "user_expressions": {}})
    message["header"]["subshell_id"] = "nobody"
    k.client.session.send(k.client.shell_channel.socket, message)
    assert k.collect(message["header"]["msg_id"]).result == "2"


def test_sockets_listen_on_loopback_only(k):
    info = k.manager.get_connection_info()
    ports = {info[name] for name in info if name.endswith("_port")}
    with open("/proc/net/tcp") as lines:
        listening = [line.split()[1].split(":") for line in list(lines)[1:] if line.split()[3] == "0A"]
    ours = [(address, int(port, 16)) for address, port in listening if int(port, 16) in ports]
    assert {port for _, port in ours} == ports and {address for address, _ in ours} == {"0100007F"}, ours
    assert os.stat(k.manager.connection_file).st_mode & 0o077 == 0


def test_stdin_interrupted_and_refused(k):
    msg = k.send("prompt('Who?')", allow_stdin=True)
    k.client.get_stdin_msg(timeout=10)
    start = time.perf_counter()
    k.interrupt()
    assert k.collect(msg, 10).status == "error" and time.perf_counter() - start < 1
    assert k.run("prompt('Who?')", allow_stdin=False).status == "error"
    msg = k.send("prompt('Again?')", allow_stdin=True)
    k.client.get_stdin_msg(timeout=10)
    k.client.input("yes")
    assert k.collect(msg).result == "'yes'"


# -- survival -------------------------------------------------------------------------------------------------------

def test_process_exit_survives(k):
    k.run("const before = 1")
    out = k.run("process.exit(3)")
    assert out.status == "error" and "process.exit" in out.error["evalue"], out.messages
    assert k.run("before").result == "1"


def test_unhandled_rejection_and_throw_in_a_timer(k):
    out = k.run("Promise.reject(new Error('nobody caught this')); await new Promise(r => setTimeout(r, 100))")
    assert any("nobody caught this" in e["evalue"] for e in out.of("error")), out.messages
    msg = k.send("setTimeout(() => { throw new Error('thrown late') }, 50); 0")
    k.collect(msg)
    late = [m for m in k.later(0.5) if m["msg_type"] == "error"]
    assert late and late[0]["parent_header"]["msg_id"] == msg and late[0]["content"]["evalue"] == "thrown late"
    assert k.run("'alive'").status == "ok"


def test_session_crash_is_told_and_survived():
    with Kernel() as k:
        k.run("const lost = 1")
        out = k.run("process.kill(process.pid, 'SIGKILL'); while (true);", 20)
        assert out.status == "error" and out.error["ename"] == "SessionEnded" and "SIGKILL" in out.error["evalue"], out.messages
        assert k.run("1 + 1", 20).result == "2"
        assert k.run("%types off\ntypeof lost").result == "'undefined'"
        assert k.run("%types on\nconst lost: string = 'mine again'").status == "ok"


def test_hostile_cells(k):
    for code in ["const o: any = {}; o.o = o; o", "({ get x(): number { throw new Error('no') } })", "new Proxy({}, { get() { throw new Error('no') }, ownKeys() { throw new Error('no') } })",
                 "function down(): number { return down() + 1 }\ndown()", "({ [Symbol.for('Jupyter.display')]() { throw new Error('no') } })", "'\\ud800 half'", "10n ** 30n"]:
        k.run(code, 20)
    assert k.run("1 + 1", 20).result == "2"


def test_broken_globals():
    with Kernel() as k:
        k.run("%types off\ndelete (globalThis as any).console")
        k.run("%types off\n(globalThis as any).Promise = 1")
        assert k.run("1 + 1", 20).result == "2"


def test_large_cells(k):
    out = k.run("\n".join(f"const line{i} = {i}" for i in range(10_000)) + "\nline9999", 60)
    assert out.result == "9999", out.messages[-2:]
    out = k.run("'" + "x".join("" for _ in range(5_000_000)) + "'.length", 60)
    assert out.result == "4999999", out.status
    out = k.run("let fromLong = 1\n/*" + "x" * 2_000_000 + "*/", 60)
    assert out.status == "ok" and "not type-checked" in out.text("stderr"), out.error
    assert k.run("fromLong + 1").result == "2"


def test_a_hundred_megabytes_of_source():
    with Kernel() as k:
        out = k.run("/*" + "x" * 100_000_000 + "*/ 5", 120)
        assert out.result == "5", out.error
        assert k.ask("is_complete_request", {"code": "x" * 100_000_000}, timeout=60)[0]["content"]["status"] == "unknown"
        assert k.run("1 + 1", 60).result == "2"
        out = k.run("1;" * 8_000_000, 120)
        assert out.status == "ok" or "Split it" in out.error["evalue"], out.error
        assert k.run("1 + 1", 60).result == "2"


def test_malformed_execute_request(k):
    reply, _ = k.ask("execute_request", {"code": 12, "silent": "?", "user_expressions": [1]})
    assert reply["content"]["status"] == "error"
    reply, _ = k.ask("complete_request", {"code": None})
    assert reply["content"]["matches"] is not None
    reply, _ = k.ask("no_such_request", {})
    assert reply["content"]["status"] == "error"
    assert k.run("1").status == "ok"


# -- life and death -------------------------------------------------------------------------------------------------

def busy_tree(k):
    """Process ids of a kernel that runs BUSY: host, session, language server, and what the cell started."""
    deadline = time.time() + 20
    while time.time() < deadline:
        pids = [k.pid, *tree(k.pid)]
        if len(pids) >= 4:
            time.sleep(0.1)
            return pids
        time.sleep(0.05)
    raise AssertionError(pids)


BUSY = "import { spawn } from 'node:child_process'\nspawn('sleep', ['60'], { stdio: 'inherit' }); while (true);"


def test_shutdown_while_busy_ends_the_tree():
    with Kernel() as k:
        k.send(BUSY)
        pids = busy_tree(k)
        start = time.perf_counter()
        k.client.shutdown()
        assert gone(pids, 2), [p for p in pids if alive(p)]
        assert time.perf_counter() - start < 1, time.perf_counter() - start


def test_shutdown_while_idle_ends_what_cells_started():
    with Kernel() as k:
        k.run("import { spawn } from 'node:child_process'\nspawn('sleep', ['60'], { stdio: 'ignore', detached: true }); 0")
        pids = [k.pid, *tree(k.pid)]
        k.client.shutdown()
        assert gone(pids, 1.5), [p for p in pids if alive(p)]


def test_restart_while_busy():
    with Kernel() as k:
        k.send("while (true);")
        time.sleep(0.3)
        old = [k.pid, *tree(k.pid)]
        k.manager.restart_kernel(now=False)
        k.client.wait_for_ready(timeout=30)
        assert gone(old, 1)
        assert k.run("1 + 1").result == "2"


def orphan(how):
    """A kernel whose parent, a Python process, is ended; the pids of the kernel's tree."""
    code = f"""import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})
from conformance import BUSY, Kernel, busy_tree
import time
k = Kernel(); k.send(BUSY)
print(*busy_tree(k), flush=True); time.sleep(60)"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    pids = [int(p) for p in parent.stdout.readline().split()]
    assert len(pids) >= 4, pids
    how(parent, pids)
    with contextlib.suppress(ProcessLookupError):
        parent.kill()
    parent.wait()
    return pids


def test_dies_with_its_parent():
    pids = orphan(lambda parent, _: parent.kill())
    ok = gone(pids, 1.5)
    left = [p for p in pids if alive(p)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert ok, left


def test_session_dies_with_its_host():
    pids = orphan(lambda _, pids: os.kill(pids[0], signal.SIGKILL))
    ok = gone([p for p in pids[:3]], 1.5)
    left = [p for p in pids if alive(p)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert ok, left


def test_stale_connection_file_is_refused():
    with Kernel() as k:
        node = k.manager.kernel_spec.argv[:-1]
        second = subprocess.run([*node, k.manager.connection_file], capture_output=True, text=True, timeout=20)
        assert second.returncode == 1 and "Cannot start the kernel" in second.stderr, second
        assert k.run("'unharmed'").status == "ok"
    missing = subprocess.run([*node, "/nowhere/kernel.json"], capture_output=True, text=True, timeout=20)
    assert missing.returncode == 1 and "Cannot start the kernel" in missing.stderr, missing


def test_what_was_sent_is_kept_for_later():
    with Kernel() as k:
        journal = k.manager.connection_file.replace(".json", ".journal.jsonl")
        k.run("""const s = (globalThis as any)[Symbol.for('afinar.session')]
console.log('printed')
s.display({ 'text/plain': 'start' }, { id: 'd' })
for (let i = 0; i < 500; i++) s.display({ 'text/plain': 'step ' + i }, { id: 'd', update: true })""")
        with open(journal) as lines:
            entries = [json.loads(line) for line in lines]
        assert os.stat(journal).st_mode & 0o077 == 0
        assert [e["type"] for e in entries] == ["execute_input", "stream", "display_data", "update_display_data", "status"], entries
        assert entries[3]["content"]["data"]["text/plain"] == "step 499"
        k.client.shutdown()
        gone([k.pid], 2)
        assert not os.path.exists(journal)


def test_two_front_ends(k):
    other = BlockingKernelClient()  # manager.client() would share its session id with the first
    other.load_connection_info(k.manager.get_connection_info())
    other.start_channels()
    try:
        other.wait_for_ready(timeout=20)
        msg = k.send("await new Promise(r => setTimeout(r, 300)); console.log('of one')")
        second = other.execute("console.log('of the other')")
        assert k.collect(msg).text() == "of one\n"
        reply = other.get_shell_msg(timeout=10)
        while reply["parent_header"]["msg_id"] != second:
            reply = other.get_shell_msg(timeout=10)
        seen = [m for m in k.later(0.3) if m["msg_type"] == "stream"]
        assert [m["content"]["text"] for m in seen if m["parent_header"]["msg_id"] == second] == ["of the other\n"]
    finally:
        other.stop_channels()


def test_suspended_front_end_holds_up_nobody():
    """A second front end that reads nothing: the first still gets all of 150 MB, in bounded memory."""
    with Kernel() as k:
        import zmq
        info = k.manager.get_connection_info()
        context = zmq.Context()
        deaf = context.socket(zmq.SUB)
        deaf.rcvhwm = 1
        deaf.setsockopt(zmq.RCVBUF, 4096)
        deaf.subscribe(b"")
        deaf.connect(f"tcp://{info['ip']}:{info['iopub_port']}")
        time.sleep(0.2)
        msg = k.send("const chunk = 'y'.repeat(999_999); for (let i = 0; i < 150; i++) { console.log(chunk); await new Promise(r => setTimeout(r, 1)) }")
        total, peak, deadline = 0, 0, time.time() + 60
        while time.time() < deadline:
            message = k.iopub(30)
            if message["parent_header"].get("msg_id") != msg:
                continue
            if message["msg_type"] == "stream":
                total += len(message["content"]["text"])
                peak = max(peak, resident(k.pid))
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        deaf.close(0)
        context.term()
        assert total == 150_000_000, total
        assert peak < 700, peak


def resident(pid):
    """Resident memory of a process in MB."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
    return 0


def test_memory_after_500_cells():
    with Kernel() as k:
        for i in range(150):
            k.run(f"const v{i} = {i}; console.log(v{i}); v{i} + 1")
        host = k.pid
        before = {p: resident(p) for p in [host, *tree(host)]}
        for i in range(500):
            k.run(f"const w{i % 50} = {i}; console.log(w{i % 50}); w{i % 50} + 1")
        growth = {p: resident(p) - before[p] for p in before if alive(p)}
        with open(f"/proc/{host}/task/{host}/children") as children:
            session = int(children.read().split()[0])
        assert growth[host] + growth[session] <= 10, growth


if __name__ == "__main__":
    main(globals())
