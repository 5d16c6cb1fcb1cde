"""run_docs.py: runs the ```sh blocks of README.md, CONTRIBUTING.md and docs/, as a reader would.

The blocks of a page run in order, in one shell, in a copy of the repository that is thrown away,
with the built programs on PATH and HOME elsewhere. Exit status 77 when there is no program yet.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from doc_blocks import BadBlock, blocks

SKIPPED = 77
PAGE_SECONDS = 240


def pages(root):
    return [path for path in (root / "README.md", root / "CONTRIBUTING.md",
                              *sorted((root / "docs").rglob("*.md"))) if path.exists()]


def run_page(root, programs, page_blocks):
    """None, or what went wrong."""
    with tempfile.TemporaryDirectory(prefix="amdahl-docs-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL's service user must get through
        checkout = pathlib.Path(folder, "checkout")
        shutil.copytree(root, checkout, symlinks=True,
                        ignore=shutil.ignore_patterns("build", ".git", ".cache", "__pycache__"))
        for name in ("home", "run"):
            pathlib.Path(folder, name).mkdir(mode=0o700)
        # Jobs take their code from what git tracks.
        script = "\n".join(["set -eu", "git init -q . && git add -A"] +
                           [f"echo '+ {block.place}' >&2\n{block.body}" for block in page_blocks])
        environment = {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                       "HOME": f"{folder}/home", "XDG_RUNTIME_DIR": f"{folder}/run",
                       "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        try:
            done = subprocess.run(["sh", "-c", script], cwd=checkout, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  timeout=PAGE_SECONDS)
        except subprocess.TimeoutExpired as late:
            return f"not done after {PAGE_SECONDS} s\n{(late.stdout or b'').decode(errors='replace')}"
        return None if done.returncode == 0 else f"exit status {done.returncode}\n{done.stdout}"


def main():
    root = pathlib.Path(os.environ["AMDAHL_SOURCE_DIR"])
    programs = pathlib.Path(os.environ["AMDAHL_BINARY_DIR"])
    failed = ran = 0
    try:
        by_page = [blocks(str(page.relative_to(root)), page.read_text()) for page in pages(root)]
    except BadBlock as bad:
        print(bad)
        return 1
    for page in by_page:
        for block in page:
            if block.why_not:
                print(f"{block.place}: not run: {block.why_not}")
        to_run = [block for block in page if not block.why_not]
        if not to_run:
            continue
        if not os.access(programs / "amdahl", os.X_OK):
            print(f"{to_run[0].place}: {programs}/amdahl is not there")
            return 1
        problem = run_page(root, programs, to_run)
        print(f"{to_run[0].place}: {problem or f'{len(to_run)} blocks ran'}")
        failed += problem is not None
        ran += len(to_run)
    if not ran:
        print("no page has a block to run")
        return SKIPPED
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
