using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Vitrine.Onnx.Tests.Export;

/// <summary>
/// What others say about the files: ONNX's own checker, and ONNX Runtime. Both are looked for on this machine; without them the tests are skipped.
/// </summary>
public sealed class PeerTests
{
    /// <summary>
    /// ONNX's checker with full shape inference: the package <c>onnx</c> of the Python that VITRINE_PYTHON names, or of <c>/usr/bin/python3</c>.
    /// </summary>
    [Fact]
    public void TheCheckerFindsNothing()
    {
        const string script = """
            import sys, onnx, onnx.checker
            newest = onnx.defs.onnx_opset_version()
            checked = 0
            for path in sys.stdin.read().split('\n'):
                try:
                    if onnx.load(path).opset_import[0].version > newest: continue
                    onnx.checker.check_model(path, full_check=True)
                    checked += 1
                except Exception as e: print(path.split('/')[-1], ' '.join(str(e).split())[:300])
            print('checked', checked)
            """;
        string python = Environment.GetEnvironmentVariable("VITRINE_PYTHON") ?? "/usr/bin/python3";
        bool there = Run(python, ["-c", "import onnx"]).Code == 0;
        Assert.SkipUnless(there, $"{python} has no package onnx (python3-onnx, or pip install onnx; VITRINE_PYTHON names another Python)");
        using var folder = new Folder();
        (int code, string output) = Run(python, ["-c", script], string.Join('\n', ExportAll(folder).Select(f => f.Path)));
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(code == 0 && lines.Length == 1, output);
        Assert.True(int.Parse(lines[0].Split(' ')[1]) > ExportCase.All.Count * 3 / 4, output);
    }

    /// <summary>ONNX Runtime by the npm package onnxruntime-node, from the folder node_modules that VITRINE_NODE_MODULES names, or npm's global one.</summary>
    [Fact]
    public void OnnxRuntimeSaysTheSame()
    {
        const string script = """
            const ort = require('onnxruntime-node'), fs = require('fs');
            const arrays = { float32: Float32Array, int64: BigInt64Array, bool: Uint8Array };
            (async () => {
              for (const job of JSON.parse(fs.readFileSync(0))) {
                try {
                  const session = await ort.InferenceSession.create(job.Path, { logSeverityLevel: 3 });
                  const feeds = {};
                  job.Inputs.forEach((input, i) => {
                    const bytes = fs.readFileSync(input.File), type = arrays[input.Type];
                    const data = new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
                    feeds[session.inputNames[i]] = new ort.Tensor(input.Type, data, input.Dims);
                  });
                  const results = await session.run(feeds);
                  session.outputNames.forEach((name, i) => {
                    const data = results[name].data;
                    fs.writeFileSync(job.Path + '.' + i, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
                  });
                  console.log(JSON.stringify({ path: job.Path, dims: session.outputNames.map(n => results[n].dims) }));
                  await session.release();
                } catch (e) { console.log(JSON.stringify({ path: job.Path, error: e.message })); }
              }
            })();
            """;
        string? modules = Environment.GetEnvironmentVariable("VITRINE_NODE_MODULES");
        if (modules is null && Run("npm", ["root", "-g"]) is (0, var root)) modules = root.Trim();
        bool there = modules is not null && Directory.Exists(Path.Combine(modules, "onnxruntime-node"));
        Assert.SkipUnless(there, "the npm package onnxruntime-node is not there (npm install -g onnxruntime-node, or VITRINE_NODE_MODULES)");
        using var folder = new Folder();
        var files = ExportAll(folder);
        var jobs = files.Select(f => new { f.Path, Inputs = f.Inputs.Select((x, i) => Stored(x, $"{f.Path}.in{i}")).ToArray() });
        (int code, string output) = Run("node", ["-e", script], JsonSerializer.Serialize(jobs), ("NODE_PATH", modules!));
        var findings = new List<string>();
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (code != 0 || lines.Length != files.Count)
        {
            findings.Add($"node ended with {code} after {lines.Length} of {files.Count}: {output[^Math.Min(output.Length, 500)..]}");
        }
        foreach (string line in lines.Where(l => l.StartsWith('{')))
        {
            JsonElement answer = JsonDocument.Parse(line).RootElement;
            var file = files.Single(f => f.Path == answer.GetProperty("path").GetString());
            if (answer.TryGetProperty("error", out JsonElement error))
            {
                findings.Add($"{file.Case}: {error.GetString()}");
                continue;
            }
            for (int i = 0; i < file.Answers.Length; i++)
            {
                int[] dims = [.. answer.GetProperty("dims")[i].EnumerateArray().Select(d => d.GetInt32())];
                var actual = Tensor.From(MemoryMarshal.Cast<byte, float>(File.ReadAllBytes($"{file.Path}.{i}")), Shape.Create(dims));
                double difference = Near.Difference(file.Answers[i], actual);
                if (!(difference <= 1e-5)) findings.Add($"{file.Case}: output {i} is {difference:G3} away");
            }
        }
        Assert.True(findings.Count == 0, string.Join(Environment.NewLine, findings));
    }

    private static List<(string Case, string Path, Tensor[] Inputs, Tensor[] Answers)> ExportAll(Folder folder)
    {
        var files = new List<(string, string, Tensor[], Tensor[])>();
        // AlexNet is LeNet-5 with a quarter of a gigabyte.
        foreach (ExportCase network in ExportCase.All.Where(c => c.Name != "AlexNet"))
        {
            string path = folder[$"{files.Count}.onnx"];
            Module module = network.Network();
            network.Export(module, path);
            Tensor[] inputs = network.Inputs(3);
            files.Add((network.Name, path, inputs, network.Answers(module, inputs)));
        }
        return files;
    }

    private static object Stored(Tensor x, string file)
    {
        ReadOnlySpan<byte> bytes = x.DType switch
        {
            DType.Float32 => MemoryMarshal.AsBytes(x.Floats),
            DType.Int64 => MemoryMarshal.AsBytes(x.Longs),
            _ => MemoryMarshal.AsBytes(x.Bools),
        };
        File.WriteAllBytes(file, bytes);
        return new { File = file, Type = x.DType.ToString().ToLowerInvariant(), Dims = x.Shape.Dims.ToArray() };
    }

    private static (int Code, string Output) Run(string program, string[] arguments, string input = "", (string Name, string Value)? variable = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (variable is var (name, value)) start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, process.ExitCode == 0 ? output : output + errors.Result);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, e.Message);
        }
    }
}
