"""The tally counts what is in its rows."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tally

REPORT = {"seed": 7, "schedules": 40, "crashes": 3, "stalls": 2, "seam_calls": 9000, "violations": 1}


class Tally(unittest.TestCase):
    def test_a_row_is_added_and_the_sum_renewed(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text("**0 schedules**\n\n| head |\n|---|\n")
            tally.add(REPORT, page)
            tally.add({**REPORT, "schedules": 1000}, page)
            text = page.read_text()
        self.assertIn("**1,040 schedules**", text)
        self.assertEqual(text.count("| 7 | 40 | 3 | 2 | 9000 | 1 |"), 1)

    def test_the_committed_page_adds_up(self):
        text = tally.PAGE.read_text()
        self.assertIn(f"**{tally.total(text):,} schedules**", text)

    def test_a_binary_that_fails_is_no_row(self):
        with self.assertRaises(RuntimeError):
            tally.simulate("/bin/false", 1, 1)


if __name__ == "__main__":
    unittest.main()
