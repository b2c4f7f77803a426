#!/usr/bin/python3
"""scikit-learn's side of `tsne-quality`.

usage: tsne_map.py map DATA.npy MAP.npy          makes a map with the settings of tsne_5k; prints {"seconds", "cpu_seconds", "peer"}
       tsne_map.py judge DATA.npy MAP.npy...     scikit-learn's own trustworthiness (10 neighbours) of maps; prints a JSON list
"""
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
import sklearn
from sklearn.manifold import TSNE, trustworthiness

data = np.load(sys.argv[2])
if sys.argv[1] == "map":
    wall, cpu = time.perf_counter(), time.process_time()
    places = TSNE(perplexity=30, n_iter=1000, init="pca", learning_rate="auto", n_jobs=-1, random_state=0).fit_transform(data)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    np.save(sys.argv[3], places.astype("f4"))
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peer": f"scikit-learn {sklearn.__version__}"}))
else:
    print(json.dumps([trustworthiness(data, np.load(name), n_neighbors=10) for name in sys.argv[3:]]))
