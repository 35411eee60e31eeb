"""RFMiD from Kaggle, or instructions to get it by hand."""

import shutil
import tarfile
import zipfile
from pathlib import Path

from retina.data.sources import labels
from retina.errors import DataError, LabelError
from retina.machine import installation
from retina.machine.files import atomic_folder
from retina.machine.stdout import off_stdout

HANDLE = "andrewmvd/retinal-disease-classification"

BY_HAND = f"""\
RFMiD, the Retinal Fundus Multi-disease Image Dataset: 3,200 photographs, 1,920 / 640 / 640, several gigabytes.
Three ways to get it by hand; retina reads each as it is unpacked:

  Kaggle           https://www.kaggle.com/datasets/{HANDLE}
                   (an account is needed; unpack the archive)
  IEEE DataPort    https://doi.org/10.21227/s3g7-st65
                   (an account is needed; unpack Training_Set, Evaluation_Set and Test_Set into one folder)
  grand-challenge  https://riadd.grand-challenge.org
                   (an account is needed; unpack "1. Original Images" and "2. Groundtruths" into one folder)

Then: retina data audit DIR

Licence: CC BY 4.0. Please cite:
  S. Pachade et al., "Retinal Fundus Multi-Disease Image Dataset (RFMiD): A Dataset for Multi-Disease Detection
  Research", Data 6(2):14, 2021, https://doi.org/10.3390/data6020014
  Data: https://doi.org/10.21227/s3g7-st65
"""


def fetch(folder: Path, *, quiet: bool = False) -> Path:
    """Download RFMiD from Kaggle into a folder.

    kagglehub downloads to its own cache, where it resumes an interrupted download; with its option `output_dir` it does
    not. From there the files are linked (or copied, where the cache is on another disk) into the folder, which appears
    whole or not at all. A folder that already holds the data is left as it is.

    Args:
        folder: Where the data goes: a folder that is empty, does not exist, or holds the data already.
        quiet: Do not show kagglehub's progress.

    Returns:
        The data set's folder, which `labels.read` reads.

    Raises:
        DataError: kagglehub is not installed (print `BY_HAND` beside it), the download failed or is not RFMiD, or the
            folder holds something else.
        RetinaError: the folder cannot be written.
    """
    folder = folder.expanduser().absolute()
    if _occupied(folder):
        return _already_there(folder)
    source = _download(quiet=quiet)
    try:
        labels.read(source)
    except LabelError as error:
        raise DataError(
            "what Kaggle sent is not RFMiD in a known layout", found=error, advice="get it by hand as printed"
        ) from error
    with atomic_folder(folder) as temporary:
        shutil.copytree(source, temporary, copy_function=_link_or_copy, dirs_exist_ok=True)
    return labels.read(folder).folder


def _occupied(folder: Path) -> bool:
    """Whether the folder holds anything.

    Raises:
        DataError: it is a file, or cannot be read.
    """
    try:
        return folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise DataError(
            "cannot fetch into this folder", expected="a new or empty folder", found=error.strerror, where=folder
        ) from error


def _already_there(folder: Path) -> Path:
    """The data set in a folder that holds something."""
    try:
        return labels.read(folder).folder
    except LabelError as error:
        raise DataError(
            "the folder holds something else",
            expected="a new or empty folder, or RFMiD itself",
            found=error.problem,
            where=folder,
            advice="name another folder",
        ) from error


def _download(*, quiet: bool) -> Path:
    """The folder in kagglehub's cache that holds the whole data set."""
    with off_stdout(quiet=quiet):  # its logger takes hold of stdout on import, so the import belongs inside
        try:
            import kagglehub
            from kagglehub import exceptions
        except ImportError as error:
            raise DataError(
                "fetching from Kaggle needs kagglehub",
                found=error,
                advice=f"{installation.command('fetch')}, or get the data by hand as printed",
            ) from error
        failures = (
            OSError,  # requests' errors are OSErrors, and so is a full disk
            ValueError,
            EOFError,
            zipfile.BadZipFile,
            tarfile.TarError,
            exceptions.BackendError,
            exceptions.CredentialError,
            exceptions.DataCorruptionError,
            exceptions.KaggleEnvironmentError,
            exceptions.NotFoundError,
            exceptions.UnauthenticatedError,
        )
        try:
            return Path(kagglehub.dataset_download(HANDLE))
        except failures as error:
            raise DataError(
                "the download from Kaggle failed",
                found=str(error) or type(error).__name__,
                where=HANDLE,
                advice="try again (what is there is kept), or get the data by hand as printed",
            ) from error


def _link_or_copy(source: str, target: str) -> None:
    """Link a file, or copy it to another disk."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
