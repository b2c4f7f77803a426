// Times a network's ONNX file on ONNX Runtime.  node onnxruntime.cjs MODEL BATCH THREADS SECONDS
// One JSON line like torch_workloads.py's; process start, opening the file and two warm-up runs are outside the timing.
const ort = require('onnxruntime-node');

(async () => {
  const [model, batch, threads, seconds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 });
  const data = Float32Array.from({ length: batch * 3 * 224 * 224 }, () => Math.random() - 0.5);
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', data, [batch, 3, 224, 224]) };
  for (let i = 0; i < 2; i++) await session.run(feeds);
  const times = [];
  for (let sum = 0; times.length === 0 || (sum < seconds * 1000 && times.length < 500); sum += times.at(-1)) {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const version = require('onnxruntime-node/package.json').version;
  console.log(JSON.stringify({ median_ms: times[times.length >> 1], min_ms: times[0], runs: times.length, threads, peer: `onnxruntime-node ${version}` }));
})();
