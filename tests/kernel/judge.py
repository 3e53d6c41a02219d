"""Runs unittest modules and prints one JSON object a test: {"name", "ok", "skipped", "detail"}. Usage: judge.py FILE..."""
import importlib.util, json, sys, unittest

class Report(unittest.TestResult):
    def tell(self, test, ok, detail='', skipped=False):
        print(json.dumps({'name': test.shortDescription() or test.id().split('.', 1)[-1], 'ok': ok, 'skipped': skipped, 'detail': detail}), flush=True)
    def startTest(self, test):
        super().startTest(test); self.broken = False
    def addSuccess(self, test):
        if not self.broken: self.tell(test, True)
    def addError(self, test, err):
        super().addError(test, err); self.tell(test, False, self._exc_info_to_string(err, test))
    def addFailure(self, test, err):
        super().addFailure(test, err); self.tell(test, False, self._exc_info_to_string(err, test))
    def addSkip(self, test, reason):
        self.tell(test, True, reason, skipped=True)
    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err: self.broken = True; self.tell(subtest, False, self._exc_info_to_string(err, test))

for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location('judged', path)
    module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
    unittest.defaultTestLoader.loadTestsFromModule(module).run(Report())
