"""Where everything of the store lies, below one folder that only its owner may enter.

<root>/store.sqlite         clips, jobs, prompts, options, results, measured times
<root>/clips/<clip>/        the file of an uploaded clip
<root>/jobs/<job>/          stems/, receipt.json, timeline.json; work-*/ while it is computed
<root>/incoming/            uploads under way
<root>/scratch/             temporary files of the worker processes
<root>/inbox/, outbox/      requests and answers as files
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoreLayout:
    """Paths below `root`."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "store.sqlite"

    @property
    def clips(self) -> Path:
        """A folder for each uploaded clip."""
        return self.root / "clips"

    @property
    def jobs(self) -> Path:
        """A folder for each job."""
        return self.root / "jobs"

    @property
    def incoming(self) -> Path:
        """Uploads that are not complete; emptied at start."""
        return self.root / "incoming"

    @property
    def scratch(self) -> Path:
        """Temporary files of worker processes; emptied at start."""
        return self.root / "scratch"

    @property
    def inbox(self) -> Path:
        """Requests of hosts that cannot speak ZeroMQ."""
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        """Answers and timeline manifests."""
        return self.root / "outbox"

    def job(self, job_id: str) -> Path:
        """The folder of a job."""
        return self.jobs / job_id

    def stems(self, job_id: str) -> Path:
        """The stems of a finished job."""
        return self.job(job_id) / "stems"

    def receipt(self, job_id: str) -> Path:
        """How the stems were made."""
        return self.job(job_id) / "receipt.json"

    def manifest(self, job_id: str) -> Path:
        """Which stem goes where on the timeline."""
        return self.job(job_id) / "timeline.json"

    def make(self) -> None:
        """Make the folders, for their owner only. Raises OSError."""
        for folder in (
            *(self.root, self.clips, self.jobs, self.incoming),
            *(self.scratch, self.inbox, self.outbox),
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
