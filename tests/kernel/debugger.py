"""Debugging over Jupyter's messages, in the order in which JupyterLab sends them: breakpoints in cells, steps, variables, Stop, and what must not happen."""
import os
import queue
import tempfile
import time

from client import Kernel, main

TYPED = """interface Row { a: number }
type Rows = Row[]

const rows: Rows = [{ a: 1 }, { a: 2 }]
for (const { a } of rows) {
  const doubled: number = twice(a)
  total += doubled
}
total"""
EARLIER = "function twice(x: number): number {\n  const y = x * 2\n  return y\n}\nlet total = 0"


class Debug:
    """A front end with a debugger on a kernel."""

    def __init__(self, k):
        self.k = k
        self.seq = 0

    def send(self, command, **arguments):
        self.seq += 1
        reply, _ = self.k.ask("debug_request", {"type": "request", "seq": self.seq, "command": command, "arguments": arguments}, channel="control")
        answer = reply["content"]
        assert answer["type"] == "response" and answer["command"] == command and answer["request_seq"] == self.seq, answer
        return answer

    def ask(self, command, **arguments):
        answer = self.send(command, **arguments)
        assert answer["success"], answer
        return answer["body"]

    def start(self):
        self.ask("initialize", clientID="test", linesStartAt1=True, columnsStartAt1=True, pathFormat="path")
        self.ask("attach")
        self.wait("initialized")
        self.ask("configurationDone")
        return self

    def wait(self, event, timeout=10):
        """The next event of that name; what comes by before it is dropped."""
        end = time.time() + timeout
        while time.time() < end:
            try:
                message = self.k.iopub(max(0.01, end - time.time()))
            except queue.Empty:
                break
            if message["msg_type"] == "debug_event" and message["content"]["event"] == event:
                return message["content"]["body"]
        raise AssertionError(f"no {event} within {timeout} s")

    def breakpoints(self, code, *lines, **options):
        path = self.ask("dumpCell", code=code)["sourcePath"]
        placed = self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": line, **options} for line in lines])["breakpoints"]
        assert all(one["verified"] for one in placed), placed
        return path

    def paused(self, code, *lines, **options):
        """Runs a cell up to its first breakpoint; the request, which is still under way."""
        self.breakpoints(code, *lines, **options)
        msg = self.k.send(code)
        self.wait("stopped")
        return msg

    def frames(self):
        return self.ask("stackTrace", threadId=1)["stackFrames"]

    def place(self):
        top = self.frames()[0]
        return top["source"]["name"], top["line"]

    def variables(self, scope):
        scopes = {one["name"]: one["variablesReference"] for one in self.ask("scopes", frameId=self.frames()[0]["id"])["scopes"]}
        return {one["name"]: one for one in self.ask("variables", variablesReference=scopes[scope])["variables"]}


def with_debugger(test):
    def run():
        with Kernel() as k:
            k.run(EARLIER)
            test(k, Debug(k).start())
    run.__name__ = test.__name__
    return run


def test_the_kernel_says_that_it_can():
    with Kernel() as k:
        info, _ = k.ask("kernel_info_request", {})
        assert info["content"]["debugger"] is True and "debugger" in info["content"]["supported_features"]
        before = Debug(k).ask("debugInfo")
        assert before["isStarted"] is False and before["hashMethod"] == "Murmur2", before
        debug = Debug(k).start()
        assert debug.ask("debugInfo")["isStarted"] is True
        # the name that JupyterLab computes for the same text: MurmurHash2 with the seed that was told
        info, code = debug.ask("debugInfo"), "const größe = 1 // ✓"
        assert debug.ask("dumpCell", code=code)["sourcePath"] == f"{info['tmpFilePrefix']}{murmur2(code.encode(), info['hashSeed'])}{info['tmpFileSuffix']}"


def test_started_is_what_stands_between_initialize_and_disconnect():
    # JupyterLab takes what debugInfo says for the state, also where it asked in the midst of turning the debugger on
    with Kernel() as k:
        debug = Debug(k)
        debug.ask("initialize")
        assert debug.ask("debugInfo")["isStarted"] is True
        debug.ask("disconnect")
        assert debug.ask("debugInfo")["isStarted"] is False
        debug.start().ask("disconnect")
        assert debug.ask("debugInfo")["isStarted"] is False


def murmur2(data, seed):
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h, at = seed ^ len(data), 0
    while len(data) - at >= 4:
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
        at += 4
    if at < len(data):
        h = (h ^ int.from_bytes(data[at:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


@with_debugger
def test_a_breakpoint_in_a_cell_with_types(k, debug):
    path = debug.breakpoints(TYPED, 7)
    msg = k.send(TYPED)
    assert debug.wait("stopped")["reason"] == "breakpoint"
    frames = debug.frames()
    assert [(frame["line"], frame["source"]["path"]) for frame in frames] == [(7, path)], frames
    assert {name: one["value"] for name, one in debug.variables("Local").items()} == {"a": "1", "doubled": "2"}
    cells = debug.variables("Cells")
    assert cells["total"]["value"] == "0" and cells["twice"]["value"].startswith("function"), cells
    rows = debug.ask("variables", variablesReference=cells["rows"]["variablesReference"])["variables"]
    assert [one["name"] for one in rows if one["name"].isdigit()] == ["0", "1"] and rows[0]["value"] == "{ a: 1 }", rows
    assert debug.ask("evaluate", expression="(doubled as number) + 100", frameId=frames[0]["id"])["result"] == "102"
    assert debug.ask("source", source={"path": path})["content"] == TYPED
    debug.ask("continue", threadId=1)
    debug.wait("stopped")
    assert debug.variables("Local")["a"]["value"] == "2"
    debug.ask("continue", threadId=1)
    assert k.collect(msg).result == "6"


@with_debugger
def test_steps_go_over_into_and_out_of_functions_of_earlier_cells(k, debug):
    msg = debug.paused(TYPED, 6)
    debug.ask("stepIn", threadId=1)
    assert debug.wait("stopped")["reason"] == "step"
    frames = debug.frames()
    assert [(frame["name"], frame["source"]["name"], frame["line"]) for frame in frames] == [("twice", "Cell [1]", 2), ("Cell [2]", "Cell [2]", 6)], frames
    debug.ask("next", threadId=1)
    debug.wait("stopped")
    assert debug.place() == ("Cell [1]", 3) and debug.variables("Local")["y"]["value"] == "2"
    debug.ask("stepOut", threadId=1)
    debug.wait("stopped")
    assert debug.place()[0] == "Cell [2]"
    debug.breakpoints(TYPED)  # none any more
    debug.ask("continue", threadId=1)
    assert k.collect(msg).result == "6"


@with_debugger
def test_a_breakpoint_in_a_function_of_a_cell_that_ran_before(k, debug):
    debug.breakpoints(EARLIER, 3)
    msg = k.send("const both = [21].map(twice)\nboth[0]")
    debug.wait("stopped")
    assert debug.place() == ("Cell [1]", 3) and debug.variables("Local")["x"]["value"] == "21"
    debug.ask("next", threadId=1)  # over the function's end, through a built-in one, to who called it
    debug.wait("stopped")
    assert debug.place()[0] == "Cell [2]"
    debug.ask("continue", threadId=1)
    assert k.collect(msg).result == "42"


@with_debugger
def test_awaits_are_stepped_over(k, debug):
    code = "const first = await Promise.resolve(1)\nconst second = await new Promise<number>(done => setTimeout(done, 50, first + 1))\nfirst + second"
    debug.paused(code, 1)
    lines = []
    for _ in range(2):
        debug.ask("next", threadId=1)
        debug.wait("stopped")
        lines.append(debug.place()[1])
    assert lines == [2, 3], lines
    # to the end of the cell and out of it: the next one does not stop
    for _ in range(3):
        if debug.send("next", threadId=1)["success"]:
            time.sleep(0.3)
    assert k.run("second", 10).result == "2"


@with_debugger
def test_conditions_and_log_points(k, debug):
    loop = "let sum = 0\nfor (let i = 0; i < 50; i++) {\n  sum += i\n}\nsum"
    msg = debug.paused(loop, 3, condition="(i as number) === 42")
    assert debug.variables("Local")["i"]["value"] == "42"
    debug.ask("continue", threadId=1)
    assert k.collect(msg).result == "1225"
    say = loop.replace("50", "3")
    debug.breakpoints(say, 3, logMessage="sum is {sum as number}")
    out = k.run(say, 10)
    assert out.text() == "sum is 0\nsum is 0\nsum is 1\n" and out.result == "3", out.text()


@with_debugger
def test_an_imported_file(k, debug):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.realpath(f"{folder}/shapes.ts")
        with open(path, "w") as file:
            file.write("export interface Box { side: number }\n\nexport function area(box: Box): number {\n  const { side } = box\n  return side ** 2\n}\n")
        debug.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": 5}])
        msg = k.send(f"import {{ area }} from '{path}'\narea({{ side: 3 }})")
        debug.wait("stopped")
        frames = debug.frames()
        assert (frames[0]["name"], frames[0]["source"]["path"], frames[0]["line"]) == ("area", path, 5) and frames[1]["line"] == 2, frames
        debug.ask("continue", threadId=1)
        assert k.collect(msg).result == "9"


@with_debugger
def test_exceptions(k, debug):
    debug.ask("setExceptionBreakpoints", filters=["raised"])
    code = "function risky(n: number) {\n  throw new RangeError(`no ${n}`)\n}\ntry { risky(3) } catch { }\n'caught'"
    msg = k.send(code)
    stopped = debug.wait("stopped")
    assert stopped["reason"] == "exception" and "no 3" in stopped["text"], stopped
    assert debug.place()[1] == 2
    debug.ask("continue", threadId=1)
    assert k.collect(msg).result == "'caught'"
    debug.ask("setExceptionBreakpoints", filters=[])
    assert k.run(code, 10).result == "'caught'"


@with_debugger
def test_other_requests_are_answered_while_the_program_is_paused(k, debug):
    msg = debug.paused(TYPED, 6)
    reply, seconds = k.ask("complete_request", {"code": "'text'.toUpp", "cursor_pos": 12})
    assert reply["content"]["matches"] and seconds < 2
    assert k.ask("kernel_info_request", {}, channel="control")[0]["content"]["status"] == "ok"
    assert debug.ask("debugInfo")["stoppedThreads"] == [1]
    debug.breakpoints(TYPED)
    debug.ask("continue", threadId=1)
    assert k.collect(msg).result == "6"


@with_debugger
def test_stop_ends_a_paused_cell_and_keeps_variables(k, debug):
    code = "const kept = 5\nfor (;;) {\n  total += 1\n}"
    msg = debug.paused(code, 3)
    start = time.time()
    k.interrupt()
    out = k.collect(msg, 10)
    assert out.status == "error" and time.time() - start < 2, out.status
    assert k.run("kept", 10).result == "5"
    msg = k.send(code)  # the breakpoint still stands
    debug.wait("stopped")
    k.interrupt()
    assert k.collect(msg, 10).status == "error"


@with_debugger
def test_disconnecting_lets_the_cell_go_on(k, debug):
    msg = debug.paused(TYPED, 6)
    debug.ask("disconnect", restart=False, terminateDebuggee=False)
    assert k.collect(msg, 10).result == "6"
    k.run("total = 0")
    assert k.run(TYPED, 10).result == "6"
    debug.start()
    assert debug.ask("debugInfo")["breakpoints"] == []


@with_debugger
def test_variables_without_a_pause(k, debug):
    k.run("const words = new Map([['a', 1]])\nconst Symbol2 = 1\nconst URL = 'mine'\nlet big = new Float32Array(10_000)")
    found = {one["name"]: one for one in debug.ask("inspectVariables")["variables"]}
    assert found["words"]["value"] == 'Map(1) { "a" => 1 }' and found["URL"]["value"] == '"mine"', found
    assert found["big"]["value"].startswith("Float32Array(10000) [0, 0") and found["big"]["indexedVariables"] == 10_000
    page = debug.ask("variables", variablesReference=found["big"]["variablesReference"], start=9_990, count=5)["variables"]
    assert [one["name"] for one in page] == ["9990", "9991", "9992", "9993", "9994"], page
    assert "text/plain" in debug.ask("richInspectVariables", variableName="words")["data"]
    debug.ask("copyToGlobals", srcVariableName="total", dstVariableName="copied")
    assert debug.ask("evaluate", expression="copied")["result"] == "0"


@with_debugger
def test_a_restart_while_paused(k, debug):
    debug.paused(TYPED, 6)
    start = time.time()
    k.manager.restart_kernel(now=False)
    k.client.wait_for_ready(timeout=30)
    assert time.time() - start < 10
    assert k.run("1 + 1", 20).result == "2"


def test_nobody_debugs_nothing_stops():
    with Kernel() as k:
        assert k.run("debugger\n'went on'", 10).result == "'went on'"
        debug = Debug(k).start()
        msg = k.send("debugger\n'waits'")
        debug.wait("stopped")
        debug.ask("continue", threadId=1)
        assert k.collect(msg).result == "'waits'"


@with_debugger
def test_requests_that_make_no_sense_are_refused(k, debug):
    for command, arguments, why in [
        ("dance", {}, "does not know"), ("continue", {"threadId": 1}, "nothing is paused"), ("stackTrace", {}, None), ("scopes", {"frameId": 3}, "no frames"),
        ("setBreakpoints", {"source": {}, "breakpoints": []}, "path"), ("setBreakpoints", {"source": {"path": "/x.ts"}, "breakpoints": [{"line": 0}]}, "line"),
        ("variables", {"variablesReference": 99}, "gone on"), ("evaluate", {"expression": "1 +"}, ""), ("evaluate", {"expression": "missing"}, "missing is not defined"),
        ("source", {"source": {"path": "/etc/passwd"}}, "no cell"), ("dumpCell", {}, "code"), ("__proto__", {}, "does not know"), ("constructor", {}, "does not know"),
    ]:
        answer = debug.send(command, **arguments)
        assert answer["success"] is (why is None) and (why or "") in answer.get("message", ""), answer
    for content in [{}, {"seq": "x", "command": "attach"}, {"seq": 1}, {"seq": 1, "command": "attach", "arguments": []}]:
        reply, _ = k.ask("debug_request", content, channel="control")
        assert reply["content"]["success"] is False, reply["content"]
    assert k.run("1 + 1", 10).result == "2"


if __name__ == "__main__":
    main(globals())
