"""Builds for later stages beside one that mostly waits."""

import threading

from shell import Shell


class Ahead:
    """Builds presets one after another with what other processes leave of the machine. A build that
    fails says nothing here: the stage that needs it builds again and says so."""

    def __init__(self, presets, build):
        """build(preset): runs the build to its end."""
        self.ends = {preset: threading.Event() for preset in presets}
        self.build = build
        self.stopped = False
        self.thread = threading.Thread(target=self.work, daemon=True)

    def start(self):
        if self.thread.ident is None:
            self.thread.start()

    def work(self):
        for preset, end in self.ends.items():
            try:
                if not self.stopped:
                    self.build(preset)
            finally:
                end.set()

    def wait(self, preset):
        """Returns once `preset` is not being built here; at once where it never was to be."""
        if preset in self.ends and self.thread.ident is not None:
            self.ends[preset].wait()

    def stop(self):
        self.stopped = True
        Shell.stop_all()
