"""TensorBoard and MLflow: how a run's epochs are shown there, each once."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from retina.experiments.settings import meaningful
from retina.machine import extras
from retina.runs.folder import HISTORY_COLUMNS
from retina.training.plan import Plan

Row = Mapping[str, float]
METRICS = tuple(name for name in HISTORY_COLUMNS if name != "epoch")


@contextmanager
def quietly() -> Iterator[None]:
    """Hide the warnings that a tracker's packages give about their own packages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Tracker:
    """Where the epochs of one run are shown.

    Args:
        plan: What is trained.

    Attributes:
        name: Its name in messages.
        errors: What it raises where its disk, its server or its data base fails.
        broken: It failed once and is shown nothing more.

    Raises:
        RetinaError: its package is not installed.
    """

    name: str
    errors: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.results = plan.place.results
        self.broken = False

    def begin(self, rows: Sequence[Row]) -> int:
        """Open what is shown of the run; return how many of the epochs so far are there, from the first."""
        raise NotImplementedError

    def show(self, row: Row) -> None:
        """Show one epoch more."""
        raise NotImplementedError

    def close(self, status: str) -> None:
        """Say how the run ended, one of `retina.runs.record.STATUSES`."""
        raise NotImplementedError


class TensorBoard(Tracker):
    """Event files in RESULTS/tensorboard/<run>, one scalar a column of `history.csv`, rounded to float32.

    A session writes one file that holds all epochs so far and removes those of earlier sessions, so that no epoch is
    there twice or lost; the file tells a TensorBoard that watches meanwhile to drop what it has read.
    """

    name = "TensorBoard"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        extras.require("tensorboard", extra="tensorboard", purpose="--track tensorboard")
        # TensorBoard's own switch for doing without TensorFlow, which it would otherwise load where it is installed.
        sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
        self.writer_class = extras.require(
            "torch.utils.tensorboard", extra="tensorboard", purpose="--track tensorboard"
        ).SummaryWriter

    def begin(self, rows: Sequence[Row]) -> int:
        """Open a new file; every epoch will be written to it."""
        del rows
        folder = self.results / "tensorboard" / self.plan.name
        folder.mkdir(parents=True, exist_ok=True)
        earlier = list(folder.glob("events.out.tfevents.*"))
        self.writer = self.writer_class(str(folder), purge_step=1, filename_suffix=f".{len(earlier)}")
        for path in earlier:
            path.unlink(missing_ok=True)
        return 0

    def show(self, row: Row) -> None:
        """Write one scalar a column, and see that they reach the disk."""
        for name in METRICS:
            self.writer.add_scalar(name, row[name], int(row["epoch"]))
        self.writer.flush()

    def close(self, status: str) -> None:
        """Close the file; the status is in the record."""
        del status
        self.writer.close()


class MLflow(Tracker):
    """A run of the experiment `retina` in MLFLOW_TRACKING_URI, or in the file RESULTS/mlflow.db, under the run's name.

    The epochs there are compared with those of the run folder: where they are its first ones, the rest is added; where
    they are others, since the run was trained again, MLflow's run is deleted and another takes its place.
    """

    name = "MLflow"
    EXPERIMENT = "retina"
    ENDED = {"completed": "FINISHED", "stopped_early": "FINISHED", "interrupted": "KILLED"}  # noqa: RUF012

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}  # read when it is imported
        # A server that has gone must not hold up training by minutes of retries.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        for log in ("mlflow", "alembic"):
            logging.getLogger(log).setLevel(logging.ERROR)
        self.mlflow = extras.require("mlflow", extra="mlflow", purpose="--track mlflow")
        database = extras.require("sqlalchemy.exc", extra="mlflow", purpose="--track mlflow")
        self.errors = (OSError, self.mlflow.MlflowException, database.SQLAlchemyError)
        for log in ("mlflow", "alembic"):  # importing it sets levels of its own
            logging.getLogger(log).setLevel(logging.ERROR)

    def begin(self, rows: Sequence[Row]) -> int:
        """Find the run, or make it, and count the epochs that are there."""
        self.client = self._client()
        home = self._experiment()
        # A quote would end the text in MLflow's filter.
        name = self.plan.name.replace("'", "")
        for entry in self.client.search_runs([home], f"attributes.run_name = '{name}'"):
            self.run = entry.info.run_id
            logged = self._logged_epochs()
            # Where the folder has fewer epochs than MLflow, the run was trained again: the two lists differ.
            if logged == [{name: row[name] for name in METRICS} for row in rows[: len(logged)]]:
                self.client.update_run(self.run, status="RUNNING")
                return len(logged)
            self.client.delete_run(self.run)
        self.run = self.client.create_run(home, run_name=self.plan.name).info.run_id
        entities = self.mlflow.entities
        params = [entities.Param(key, str(value)) for key, value in self._params().items()]
        self.client.log_batch(self.run, params=params)
        return 0

    def show(self, row: Row) -> None:
        """Log one epoch: all columns of it at once, or none."""
        epoch, now = int(row["epoch"]), self.mlflow.utils.time.get_current_time_millis()
        metrics = [self.mlflow.entities.Metric(name, float(row[name]), now, epoch) for name in METRICS]
        self.client.log_batch(self.run, metrics=metrics)

    def close(self, status: str) -> None:
        """Say how the run ended, in MLflow's words and, as a tag, in retina's."""
        self.client.set_tag(self.run, "retina.status", status)
        self.client.set_terminated(self.run, self.ENDED.get(status, "FAILED"))

    def _client(self) -> Any:  # noqa: ANN401 - MLflow's
        """A client of the server that the environment names, else of a file in the results folder."""
        self.results.mkdir(parents=True, exist_ok=True)
        own = f"sqlite:///{(self.results / 'mlflow.db').absolute()}"
        return self.mlflow.MlflowClient(tracking_uri=os.environ.get("MLFLOW_TRACKING_URI") or own)

    def _experiment(self) -> str:
        """The id of the experiment, which is made where it is missing."""
        experiment = self.client.get_experiment_by_name(self.EXPERIMENT)
        if experiment is not None:
            return experiment.experiment_id
        local = not os.environ.get("MLFLOW_TRACKING_URI")
        place = (self.results / "mlflow-artifacts").absolute().as_uri() if local else None
        return self.client.create_experiment(self.EXPERIMENT, artifact_location=place)

    def _logged_epochs(self) -> list[dict[str, float]]:
        """The epochs that MLflow has, in order; `None` in place of a number that it lacks."""
        columns = {
            name: {point.step: point.value for point in self.client.get_metric_history(self.run, name)}
            for name in METRICS
        }
        last = max((epoch for column in columns.values() for epoch in column), default=0)
        return [{name: column.get(epoch) for name, column in columns.items()} for epoch in range(1, last + 1)]

    def _params(self) -> dict[str, Any]:
        """The settings of the run, its data and its starting weights, as its record has them."""
        plan = self.plan
        settings = meaningful(plan.experiment.to_dict())
        origin, data = plan.start.origin, plan.data.fingerprint
        return settings | {"digest": plan.digest, "data_fingerprint": data, "weights_origin": origin}


TRACKERS = {"tensorboard": TensorBoard, "mlflow": MLflow}
