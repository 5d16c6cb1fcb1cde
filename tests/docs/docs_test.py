"""Which blocks of a page are run, and that links between pages lead somewhere."""

import os
import pathlib
import re
import stat
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import doc_blocks
import run_docs

ROOT = HERE.parents[1]


def only(text):
    found = doc_blocks.blocks("a.md", text)
    assert len(found) == 1, found
    return found[0]


class Blocks(unittest.TestCase):
    def test_a_shell_block_is_run_and_knows_its_place(self):
        block = only("# T\n\n```sh\namdahl version\n```\n")
        self.assertEqual((block.body, block.why_not, block.place), ("amdahl version\n", "", "a.md:3"))

    def test_one_that_is_not_run_says_why(self):
        self.assertEqual(only("```sh no-test: needs Slurm\na\n```\n").why_not, "needs Slurm")
        for bad in ("sh no-test", "sh no-test:", "sh skip"):
            with self.assertRaises(doc_blocks.BadBlock, msg=bad):
                doc_blocks.blocks("a.md", f"```{bad}\na\n```\n")

    def test_no_other_name_of_the_shell_escapes(self):
        for other in ("bash", "console", "shell"):
            with self.assertRaises(doc_blocks.BadBlock):
                doc_blocks.blocks("a.md", f"```{other}\na\n```\n")
        self.assertEqual(doc_blocks.blocks("a.md", "```toml\na = 1\n```\n```\ntext\n```\n"), [])

    def test_whole_builds_are_not_run_inside_a_test(self):
        self.assertTrue(only("```sh\nscript/demo  # all\nscript/test\n```\n").why_not)
        self.assertFalse(only("```sh\nscript/test\namdahl version\n```\n").why_not)


class Pages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name, "source")
        self.programs = pathlib.Path(folder.name, "programs")
        self.root.mkdir()
        self.programs.mkdir()
        program = self.programs / "amdahl"
        program.write_text("#!/bin/sh\nexit \"$1\"\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        os.environ.update(AMDAHL_SOURCE_DIR=str(self.root), AMDAHL_BINARY_DIR=str(self.programs))

    def status(self, *bodies):
        (self.root / "README.md").write_text("".join(f"```sh\n{body}\n```\n" for body in bodies))
        return run_docs.main()

    def test_a_page_whose_commands_work_passes(self):
        self.assertEqual(self.status("amdahl 0", "touch made", "test -e made"), 0)
        self.assertFalse((self.root / "made").exists())

    def test_a_page_with_a_failing_command_fails(self):
        self.assertEqual(self.status("amdahl 3\ntrue"), 1)
        self.assertEqual(self.status("no-such-program"), 1)

    def test_nothing_to_run_is_a_skip_and_no_pass(self):
        self.assertEqual(self.status("script/test"), 77)

    def test_a_missing_program_is_a_failure(self):
        (self.programs / "amdahl").unlink()
        self.assertEqual(self.status("true"), 1)


class Links(unittest.TestCase):
    def test_every_relative_link_leads_to_a_file(self):
        for page in run_docs.pages(ROOT):
            for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
                if not re.match(r"[a-z]+:", target):
                    self.assertTrue((page.parent / target).exists(), f"{page}: {target}")


if __name__ == "__main__":
    unittest.main()
