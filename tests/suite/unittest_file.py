"""unittest_file.py FILE ANSWER: runs the unittest cases of one file, writes their counts as JSON."""

import importlib.util
import json
import pathlib
import sys
import unittest


def main(path, answer):
    path = pathlib.Path(path).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(module))
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    if result.testsRun == 0:
        print(f"{path}: no test found")
        failed = 1
    # A subtest or a class fixture may fail more often than tests ran.
    passed = max(0, result.testsRun - failed - skipped)
    pathlib.Path(answer).write_text(
        json.dumps({"passed": passed, "failed": failed, "skipped": skipped}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
