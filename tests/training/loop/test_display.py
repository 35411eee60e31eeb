"""Training as a person sees it where stderr is no terminal; `tests/commands/test_run.py` looks at a real terminal."""

from retina.training.loop.display import Display


def row(epoch, seconds):
    return {"epoch": epoch, "train_loss": 0.5, "val_loss": 0.41234, "val_auroc": 0.9, "seconds": seconds}


def test_the_time_left_is_that_of_the_epochs_of_this_session(capsys):
    rows = [row(1, 1000.0)]
    display = Display(rows, epochs=10)
    for epoch, seconds in ((2, 61.0), (3, 59.0)):
        rows.append(row(epoch, seconds))
        display.on_epoch_end(epoch - 1)
    display.close()
    assert capsys.readouterr().err.splitlines() == [
        "epoch 2 of 10: train loss 0.5000, val loss 0.4123, val AUROC 0.9000, 1 min 1 s, 8 min 8 s left at most",
        "epoch 3 of 10: train loss 0.5000, val loss 0.4123, val AUROC 0.9000, 59 s, 7 min 0 s left at most",
    ]


def test_quiet_says_nothing(capsys):
    rows = [row(1, 1.0)]
    Display(rows, epochs=2, quiet=True).on_epoch_end(0)
    assert capsys.readouterr() == ("", "")
