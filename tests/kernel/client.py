"""A kernel under test and what came back from it, on top of Jupyter's own Python client. Used by the scripts beside it."""
import contextlib
import os
import queue
import sys
import time
import traceback

from jupyter_client.manager import KernelManager

KERNEL = os.environ.get("AFINAR_KERNEL", "afinar")


class Outcome:
    """One executed cell: its reply and everything that iopub said about it, in order, with arrival times."""

    def __init__(self, reply, messages, seconds, late):
        self.reply, self.messages, self.seconds, self.late = reply, messages, seconds, late

    @property
    def status(self):
        return self.reply["content"]["status"]

    def of(self, kind):
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    def text(self, name="stdout"):
        return "".join(c["text"] for c in self.of("stream") if c["name"] == name)

    @property
    def error(self):
        errors = self.of("error")
        return errors[0] if errors else None

    @property
    def result(self):
        results = self.of("execute_result")
        return results[-1]["data"].get("text/plain") if results else None


class Kernel:
    def __init__(self, name=KERNEL, env=None, cwd=None, key=None):
        started = time.perf_counter()
        self.manager = KernelManager(kernel_name=name)
        if key is not None:
            self.manager.session.key = key
        extra = {"cwd": cwd} if cwd else {}
        self.manager.start_kernel(env={**os.environ, **(env or {})}, **extra)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.started_in = time.perf_counter() - started
        self.kept = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.client.stop_channels()
        with contextlib.suppress(Exception):
            self.manager.shutdown_kernel(now=True)

    @property
    def pid(self):
        return self.manager.provisioner.process.pid

    def send(self, code, **options):
        return self.client.execute(code, **options)

    def iopub(self, timeout):
        return self.client.get_iopub_msg(timeout=timeout)

    def collect(self, msg_id, timeout=60):
        """All of iopub until the idle of `msg_id`, then the shell reply. Messages of other parents are kept in `kept`."""
        start, messages, deadline = time.perf_counter(), [], time.time() + timeout
        while True:
            try:
                message = self.iopub(max(0.01, deadline - time.time()))
            except queue.Empty:
                code = self.manager.provisioner.process.poll()
                raise RuntimeError(f"no idle within {timeout} s; the kernel {'lives' if code is None else f'ended with {code}'}; so far: {[m['msg_type'] for m in messages]}") from None
            if message["parent_header"].get("msg_id") != msg_id:
                self.kept.append(message)
                continue
            messages.append(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        reply = self.reply_to(msg_id, max(1, deadline - time.time()))
        return Outcome(reply, messages, time.perf_counter() - start, None)

    def reply_to(self, msg_id, timeout=20):
        deadline = time.time() + timeout
        while True:
            reply = self.client.get_shell_msg(timeout=max(0.01, deadline - time.time()))
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply

    def run(self, code, timeout=60, **options):
        return self.collect(self.send(code, **options), timeout)

    def later(self, seconds):
        """What iopub says during the next seconds, whoever caused it."""
        found, deadline = list(self.kept), time.time() + seconds
        self.kept = []
        while time.time() < deadline:
            with contextlib.suppress(queue.Empty):
                found.append(self.iopub(max(0.01, deadline - time.time())))
        return found

    def interrupt(self):
        message = self.client.session.msg("interrupt_request", {})
        self.client.control_channel.send(message)
        return self.client.control_channel.get_msg(timeout=10)

    def ask(self, kind, content, channel="shell", timeout=20, buffers=None):
        """Sends any request; its reply and the seconds that it took."""
        session, start = self.client.session, time.perf_counter()
        chosen = getattr(self.client, f"{channel}_channel")
        message = session.msg(kind, content)
        session.send(chosen.socket, message, buffers=buffers)
        while True:
            reply = chosen.get_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply, time.perf_counter() - start


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def tree(pid):
    """Process ids of the descendants of a process."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat") as stat:
                    parents[int(name)] = int(stat.read().rsplit(")", 1)[1].split()[1])
    found, generation = [], [pid]
    while generation:
        generation = [child for child, parent in parents.items() if parent in generation]
        found += generation
    return found


def gone(pids, seconds):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def main(scope):
    """Runs every test_* of a script in order (or those named as arguments) and prints `name: ok` or what went wrong."""
    import json
    wanted, shared, failed = sys.argv[1:], None, 0
    try:
        for name, test in list(scope.items()):
            if not name.startswith("test_") or (wanted and not any(w in name for w in wanted)):
                continue
            start, why = time.perf_counter(), ""
            try:
                if test.__code__.co_argcount == 0:
                    test()
                else:
                    shared = shared or Kernel()
                    test(shared)
            except BaseException as error:  # noqa: BLE001
                if isinstance(error, KeyboardInterrupt):
                    raise
                why = "".join(traceback.format_exception(error))[-1800:]
                failed += 1
                if shared:  # a test that failed may have left the kernel anyhow
                    shared.__exit__()
                    shared = None
            print(json.dumps({"name": name, "ok": not why, "why": why, "seconds": round(time.perf_counter() - start, 3)}), flush=True)
    finally:
        if shared:
            shared.__exit__()
    sys.exit(1 if failed else 0)
