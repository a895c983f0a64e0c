"""The dashboards as files."""

import capacity
import exporter
import fleet
import frame
import model
import overview

BUILDERS = {"overview": overview, "model": model, "capacity": capacity, "fleet": fleet,
            "exporter": exporter}


def files(values_path):
    """File name → text."""
    values = frame.Values(values_path)
    return {f"{values.uids[name]}.json": frame.render(module.build(values)) for name, module in BUILDERS.items()}
