"""Ask the hub what a repository holds, and explain a refusal so that the user can act on it."""

from dataclasses import dataclass

from huggingface_hub import HfApi, get_session, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    build_hf_headers,
    hf_raise_for_status,
)

from engine.errors import CheckpointError, CheckpointGated, CheckpointNotFound, DownloadFailed

from .catalog import KnownModel, ModelFile
from .transfer import HTTP_ERROR, TIMEOUT_S, RemoteFile

REFUSALS: tuple[type[Exception], ...] = (HTTP_ERROR, OfflineModeIsEnabled, HFValidationError)
"""What the hub's functions raise when they do not give what was asked for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server has of a model.   commit: empty where it has no versions."""

    files: tuple[RemoteFile, ...]
    commit: str = ""

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 by name, of the files for which the server announces one."""
        return {file.name: file.sha256 for file in self.files if file.sha256}


@dataclass(frozen=True, slots=True)
class Hub:
    """A server of the hub's kind, and who asks.

    endpoint: address of a mirror that the user named; None is the hub itself (or `HF_ENDPOINT`).
    token: given by the user, or empty for none; None takes the one of `hf auth login` or
        `HF_TOKEN`, but for the hub only: a mirror never gets it unasked.
    """

    endpoint: str | None = None
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with every request."""
        headers: dict[str, str] = build_hf_headers(token=self._token, library_name="stemlasso")
        return headers

    @property
    def is_logged_in(self) -> bool:
        """Whether a token goes along."""
        return "authorization" in self.headers

    @property
    def _token(self) -> str | bool | None:
        if self.token is not None:
            return self.token or False
        return False if self.endpoint is not None else None

    def offer(self, model: KnownModel, repository: str, revision: str) -> Offer:
        """The files of `model` in a repository at a revision, pinned to the commit it has now.

        Raises `REFUSALS`, CheckpointNotFound when a file is missing there, and DownloadFailed when
        the server does not answer as a hub does.
        """
        try:
            info = HfApi(endpoint=self.endpoint, token=self._token).model_info(
                repository, revision=revision, files_metadata=True, timeout=TIMEOUT_S
            )
        except REFUSALS:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DownloadFailed(
                f"{self.endpoint or 'the server'} does not answer as a hub does; "
                "check the address of the mirror"
            ) from error
        there = {sibling.rfilename: sibling for sibling in info.siblings or ()}
        missing = [f.name for f in model.files if f.required and f.name not in there]
        if missing or not info.sha:
            raise CheckpointNotFound(
                f"{repository} at {revision} does not have {', '.join(missing) or 'a commit'}, "
                f"which {model.name} needs; name another repository or revision"
            )
        files = tuple(
            self._remote(file, there[file.name], repository, info.sha)
            for file in model.files
            if file.name in there
        )
        return Offer(files, info.sha)

    def _remote(
        self, file: ModelFile, found: RepoSibling, repository: str, commit: str
    ) -> RemoteFile:
        sha256 = file.sha256 or (found.lfs.sha256 if found.lfs else "")
        git_sha1 = "" if found.lfs else found.blob_id or ""
        return RemoteFile(
            name=file.name,
            url=hf_hub_url(repository, file.name, revision=commit, endpoint=self.endpoint),
            size_bytes=found.size or 0,
            version=sha256 or git_sha1 or commit,
            sha256=sha256,
            git_sha1=git_sha1,
        )


def plain_offer(model: KnownModel) -> Offer:
    """The one file of a model that lies at an address outside the hub.

    Raises `REFUSALS`, and DownloadFailed when the server does not say how large it is.
    """
    response = get_session().head(
        model.address, headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_S
    )
    hf_raise_for_status(response)
    size = response.headers.get("Content-Length", "")
    if not size.isdigit():
        raise DownloadFailed(f"{model.address} does not say how large the file is; try again later")
    version = response.headers.get("ETag") or response.headers.get("Last-Modified") or size
    (file,) = model.files
    return Offer((RemoteFile(file.name, model.address, int(size), version, file.sha256 or ""),))


def explain(error: Exception, model: KnownModel, repository: str, hub: Hub) -> CheckpointError:
    """The refusal as an error that says what to do about it."""
    where = repository or model.address
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    if isinstance(error, OfflineModeIsEnabled):
        return DownloadFailed(
            "offline mode is on (HF_HUB_OFFLINE): nothing can be fetched; "
            "turn it off, or import the files from a folder with `stemlasso models import`"
        )
    if isinstance(error, GatedRepoError) or (
        isinstance(error, RepositoryNotFoundError) and model.gated and not hub.is_logged_in
    ):
        return CheckpointGated(_how_to_get_access(model, where, hub.is_logged_in))
    if isinstance(error, RevisionNotFoundError):
        return CheckpointNotFound(
            f"{where} does not have the revision asked for; it may have been removed there. "
            f"See {model.page}, and name the revision to take with --revision"
        )
    if isinstance(error, EntryNotFoundError):
        return CheckpointNotFound(f"{where} no longer has one of its files; see {model.page}")
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        return CheckpointNotFound(
            f"the hub knows no repository {where!r}, or it is private and "
            f"{'this account may not see it' if hub.is_logged_in else 'nobody is logged in'}"
        )
    if status == 401:
        return CheckpointGated(
            f"the token sent for {where} is not accepted; log in again with `hf auth login`, "
            "or correct HF_TOKEN"
        )
    if status:
        return DownloadFailed(f"the server refused {where} with status {status}; try again later")
    return DownloadFailed(
        f"no connection for {where} ({type(error).__name__}: {error}); check the network and start "
        "again, or import the files from a folder with `stemlasso models import`"
    )


def _how_to_get_access(model: KnownModel, where: str, is_logged_in: bool) -> str:
    login = (
        "this account has no access yet: Meta may take some days to grant it, and a fine-grained "
        "token needs permission to read gated repositories"
        if is_logged_in
        else "then log in with `hf auth login`, or set HF_TOKEN"
    )
    return (
        f"{where} is gated: ask for access and accept the licence ({model.licence.name}) at "
        f"{model.page}; {login}; then start again. {model.licence.note}"
    )
