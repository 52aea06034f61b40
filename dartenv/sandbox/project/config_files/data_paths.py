"""Where the sandbox looks for its data, relative to the folder it is started in.

``body_model_dir`` names a folder that is not there: the bodies of the sandbox lie in
data/sandbox-models. It is one of the faults the sandbox carries on purpose.
"""

from pathlib import Path

dataset_root_dir = Path('data')
body_model_dir = dataset_root_dir / 'smplx_lockedhead_20230207/models_lockedhead/'
