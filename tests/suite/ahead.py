"""Builds and stages that go on beside one that mostly waits."""

import threading

from shell import Shell


class Ahead:
    """Does works one after another with what other processes leave of the machine. A build that
    fails says nothing here: the stage that needs it builds again and says so."""

    def __init__(self, works):
        """works: name → what does it to its end and answers what `take` is to give."""
        self.works = works
        self.ends = {name: threading.Event() for name in works}
        self.answers = {}
        self.stopped = False
        self.thread = threading.Thread(target=self.work, daemon=True)

    def start(self):
        if self.thread.ident is None:
            self.thread.start()

    def work(self):
        for name, work in self.works.items():
            try:
                if not self.stopped:
                    self.answers[name] = work()
            finally:
                self.ends[name].set()

    def take(self, name):
        """Its answer once it is done; None at once where it never was to be done here."""
        if name in self.ends and self.thread.ident is not None:
            self.ends[name].wait()
        return self.answers.get(name)

    def stop(self):
        self.stopped = True
        Shell.stop_all()
