"""LiveReport: on a terminal, finished steps scroll by above a few lines that show what runs now."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mastic.report.plain import PlainReport
from mastic.report.progress import duration

ROWS = 6
STYLES = {"failed": "red", "error:": "red", "skipped": "yellow", "warning:": "yellow"}


@dataclass
class LiveReport(PlainReport):
    """A plain report whose lines are drawn above a live picture; NO_COLOR is respected by rich."""

    color: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._console = Console(file=self.streams.err, no_color=not self.color, highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, get_renderable=self._picture, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveReport:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def data(self, value: object) -> None:
        self._live.stop()
        super().data(value)

    def ask(self, question: str) -> bool:
        """Ask for yes or no while the picture rests."""
        self._live.stop()
        try:
            return self._console.input(f"{question} [y/N] ", markup=False).strip().lower() in ("y", "yes")
        except EOFError:
            return False
        finally:
            self._live.start()

    def _write(self, text: str) -> None:
        style = next((style for word, style in STYLES.items() if word in text.split()[:5]), "")
        self._console.print(Text(text, style=style))

    def _picture(self) -> Text:
        # No lock of ours here: rich calls this with its own lock held, and `_write` takes them the other way round.
        now = self.clock()
        running = self.progress.running_now()
        lines = [f"  {duration(now - began):>9}  {what}" for what, began in running[:ROWS]]
        if len(running) > ROWS:
            lines.append(f"             and {len(running) - ROWS} more")
        if running:
            lines.append(f"{self._stamp()}  {self._count()}running")
        return Text("\n".join(lines), style="cyan" if self.color else "")
