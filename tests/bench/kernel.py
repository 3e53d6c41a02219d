"""Speed of one kernel, driven by Jupyter's own client: one JSON object a line. Usage: kernel.py SYSTEM KERNELSPEC. Told apart by language, not by system."""
import contextlib
import json
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../kernel"))
from client import Kernel, gone, tree  # noqa: E402
from conformance import resident  # noqa: E402

SYSTEM, SPEC = sys.argv[1:3]
PYTHON = SPEC == "python3"
CODE = {
    "trivial": "1 + {i}",
    "loop": "import time; end = time.time() + 2.5\nwhile time.time() < end: pass" if PYTHON else "const end = Date.now() + 2500\nwhile (Date.now() < end);",
    "kept": "kept = 41" if PYTHON else "const kept = 41",
    "endless": "while True: pass" if PYTHON else "while (true);",
    "endless, after an await": "import asyncio\nawait asyncio.sleep(0)\nwhile True: pass" if PYTHON else "await new Promise((done) => setTimeout(done)); while (true);",
    "lines": "for i in range(10_000): print(i)" if PYTHON else "for (let i = 0; i < 10_000; i++) console.log(i)",
    "big": "print('x' * 50_000_000)" if PYTHON else "console.log('x'.repeat(50_000_000))",
    "cell": "w{m} = {i}; print(w{m}); w{m} + 1" if PYTHON else "const w{m} = {i}; console.log(w{m}); w{m} + 1",
    "complete": "'text'.upp" if PYTHON else "'text'.toUpp",
}


def tell(name, value, unit):
    print(json.dumps({"name": name, "system": SYSTEM, "value": None if value is None else round(value, 4), "unit": unit}), flush=True)


def measure(name, unit):
    """Runs a part; what fails or takes too long counts as nothing."""
    def run(part):
        value = None
        with contextlib.suppress(Exception):
            value = part()
        tell(name, value, unit)
    return run


def median(part, count):
    times = []
    for i in range(count):
        start = time.perf_counter()
        part(i)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def wait_for_idle(k, msg):
    while True:  # ask() has read past the execute_reply
        message = k.iopub(20)
        if message["parent_header"].get("msg_id") == msg and message["content"].get("execution_state") == "idle":
            return


def main():
    start = time.perf_counter()
    with Kernel(SPEC) as k:
        tell("start to ready", time.perf_counter() - start, "s")
        k.run(CODE["trivial"].format(i=0), 30)
        tell("start to first result", time.perf_counter() - start, "s")
        for i in range(10):
            k.run(CODE["trivial"].format(i=i))
        measure("trivial cell", "ms")(lambda: median(lambda i: k.run(CODE["trivial"].format(i=i)), 100))
        if SYSTEM == "afinar":
            k.run("%types off")
            measure("trivial cell, types off", "ms")(lambda: median(lambda i: k.run(CODE["trivial"].format(i=i)), 100))
            k.run("%types on")
        code = CODE["complete"]
        k.ask("complete_request", {"code": code, "cursor_pos": len(code)})

        def while_busy(kind):
            msg = k.send(CODE["loop"])
            time.sleep(0.3)
            times = []
            for _ in range(20 if SYSTEM in ("afinar",) else 1):
                times.append(k.ask(kind, {"code": code, "cursor_pos": len(code), "detail_level": 0})[1] * 1000)
            wait_for_idle(k, msg)
            return statistics.median(times)
        measure("completion while busy", "ms")(lambda: while_busy("complete_request"))
        measure("hover while busy", "ms")(lambda: while_busy("inspect_request"))

        def lines():
            out = k.run(CODE["lines"], 20)
            return out.seconds if out.text().count("\n") == 10_000 else None
        measure("10,000 lines", "s")(lines)

        def big():
            out = k.run(CODE["big"], 30)
            return out.seconds if len(out.text()) == 50_000_001 else None
        measure("50 MB at once", "s")(big)

    for name, code in [("stop a loop", "endless"), ("stop a loop after an await", "endless, after an await")]:
        with Kernel(SPEC) as k:  # its own: some are lost afterwards
            def stop():
                k.run(CODE["kept"], 30)
                msg = k.send(CODE[code])
                time.sleep(0.5)
                start = time.perf_counter()
                if k.manager.kernel_spec.interrupt_mode == "message":
                    k.interrupt()
                else:
                    k.manager.interrupt_kernel()
                k.collect(msg, 5)
                seconds = time.perf_counter() - start
                return seconds * 1000 if k.run("kept", 5).result == "41" else None
            measure(f"{name}, variables kept", "ms")(stop)

    with Kernel(SPEC) as k:
        def language(pid):
            with open(f"/proc/{pid}/cmdline") as line:
                return "--lsp" in line.read()

        def growth():
            pids = [pid for pid in [k.pid, *tree(k.pid)] if not language(pid)]
            server = [pid for pid in tree(k.pid) if language(pid)]
            server_before = sum(map(resident, server))
            for i in range(100):
                k.run(CODE["cell"].format(m=i % 50, i=i), 5)
            before = sum(map(resident, pids))
            for i in range(500):
                k.run(CODE["cell"].format(m=i % 50, i=i), 5)
            if server:
                tell("memory growth of the language server", sum(map(resident, server)) - server_before, "MB")
            return sum(map(resident, pids)) - before
        measure("memory growth, 500 cells", "MB")(growth)

    with Kernel(SPEC) as k:
        def shutdown():
            k.run("1", 30)
            k.send(CODE["endless"])
            time.sleep(0.3)
            pids = [k.pid, *tree(k.pid)]
            start = time.perf_counter()
            k.client.shutdown()
            return time.perf_counter() - start if gone(pids, 5) else None
        measure("shutdown while busy", "s")(shutdown)


main()
