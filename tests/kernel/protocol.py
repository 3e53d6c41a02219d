"""jupyter_kernel_test 0.7 over the kernel, nothing left out that is ours; one line of JSON per test and subtest that failed."""
import json
import os
import sys
import unittest

import jupyter_kernel_test

KERNEL = os.environ.get("AFINAR_KERNEL", "afinar")


class Afinar(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('test')"
    code_page_something = "parseInt?"
    code_generate_error = "throw new Error('generated')"
    code_inspect_sample = "parseInt"
    code_clear_output = "console.clear()"
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    completion_samples = [
        {"text": "console.coun", "matches": ["count", "countReset"]},
        {"text": "Math.hyp", "matches": ["hypot"]},
        {"text": "'text'.codePoin", "matches": ["codePointAt"]},
    ]
    complete_code_samples = ["1", "console.log('hello')", "function f(x: number) {\n  return x * 2\n}", "", "const s = `a\n b`"]
    incomplete_code_samples = ["function f() {", "const x = [1,", "if (a) {\n", "`a", "f("]
    invalid_code_samples = ["const = 1", "x y z", "function }", "let 1a = 3"]
    code_execute_result = [
        {"code": "1 + 2 + 3", "result": "6"}, {"code": "[1, 2].map(n => n * 2)", "result": "[ 2, 4 ]"}, {"code": "'text'", "result": "'text'"},
        {"code": "await Promise.resolve(1n)", "result": "1n"}, {"code": "1+2", "result": "3"}, {"code": "1 + 2", "result": "3"}, {"code": "1 - 2", "result": "-1"},
    ]
    code_display_data = [
        {"code": "globalThis[Symbol.for('afinar.session')].display({ 'text/html': '<b>x</b>', 'text/plain': 'x' })".replace("globalThis", "(globalThis as any)"), "mime": "text/html"},
        {"code": "(globalThis as any)[Symbol.for('afinar.session')].display({ 'image/svg+xml': '<svg/>' }, { id: 'a' })", "mime": "image/svg+xml"},
    ]


class AfinarWelcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True


class Lines(unittest.TestResult):
    def line(self, test, ok, why=""):
        print(json.dumps({"name": test.id().split(".")[-1], "ok": ok, "why": why[-1500:]}), flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.bad = False

    def addSuccess(self, test):
        if not self.bad:
            self.line(test, True)

    def addSkip(self, test, reason):
        self.bad = True
        self.line(test, False, f"skipped: {reason}")

    def fail(self, test, err):
        self.bad = True
        self.line(test, False, self._exc_info_to_string(err, test))

    addError = addFailure = fail

    def addSubTest(self, test, subtest, err):
        if err:
            self.fail(test, err)


if __name__ == "__main__":
    sys.exit(0 if unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]).run(Lines()).wasSuccessful() else 1)
