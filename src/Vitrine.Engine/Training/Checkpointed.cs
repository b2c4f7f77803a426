namespace Vitrine;

/// <summary>
/// A module that keeps nothing of its inside for the backward pass: there it runs again, recorded, and is differentiated then (Chen et al. 2016, "Training deep
/// nets with sublinear memory cost"). Costs one more forward pass; holds only inputs and output in between. Gradients are the same to the last bit.
/// </summary>
/// <remarks>
/// The second run sees the same random numbers (dropout) and leaves running statistics as the first made them. Only training is affected: in a run that does
/// not train, or does not record, the module is called as it is, so that explanations see its operators. It stands in the place of the module inside, under the
/// same names. Activations tapped inside have values but no history. Second derivatives are refused.
/// </remarks>
public sealed class Checkpointed : Module
{
    private readonly Module _inside;

    /// <summary>Wraps a module of one output, whose every parameter lives below its own place in the weights.</summary>
    public Checkpointed(Module inside)
        : base(inside) => _inside = inside;

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor input) => Forward(run, [input])[0];

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (!run.Training || !run.Recording || Recording.Suppressed) return _inside.Compute(run, inputs);
        // Parameters are inputs of the operator, so that the backward pass knows what can be reached through it.
        Tensor[] weights = [.. _inside.Parameters.Where(p => !p.IsFrozen).Select(p => p.Value)];
        return [new CheckpointOp(_inside, run, inputs.Length).Apply([.. inputs, .. weights])];
    }

    /// <summary>A whole module as one operator. An instance stands for one call: it knows with which random numbers that call began.</summary>
    private sealed class CheckpointOp(Module inside, Run run, int inputCount) : Op
    {
        private readonly Run _start = run.Fork();
        private Run? _first = run;
        private Tensor? _grad;
        private Gradients? _found;

        public override string Name => $"Checkpointed {inside.GetType().Name}";

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor[] given = inputs[..inputCount].ToArray();
            if (_first is null) return KeepingBuffers(() => Forget(_start.Fork(), given));
            // The first time the run itself goes on: its random numbers, its count of calls, its taps.
            Run first = _first;
            _first = null;
            return Forget(first, given);
        }

        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            if (!Recording.Suppressed) throw new NotSupportedException("a recomputed module has no second derivative; use the module itself.");
            // Asked for one input after the other with one gradient; the first question is answered for all of them.
            if (!ReferenceEquals(_grad, grad))
            {
                _found = KeepingBuffers(() => Recompute(node, grad));
                _grad = grad;
            }
            return _found!.Reached(input) ? _found[input] : null;
        }

        private Tensor Forget(Run run, Tensor[] inputs)
        {
            Recording.Suppress();
            try
            {
                using var scope = MemoryScope.Open();
                Tensor output = scope.Keep(Single(inside.Compute(run, inputs)));
                // Whoever tapped an activation inside wants to read it afterwards.
                foreach (Tensor tap in run.Taps.Values) scope.Keep(tap);
                // A module may hand its input on; the operator's result must be a tensor of its own all the same.
                return Array.IndexOf(inputs, output) < 0 ? output : output.Alias(output.Shape);
            }
            finally
            {
                Recording.Resume();
            }
        }

        private Gradients Recompute(Node node, Tensor grad)
        {
            using var scope = MemoryScope.Open();
            int suppressed = Recording.Lift();
            try
            {
                // The inputs become leaves of a graph of its own; integers have no gradient and stay as they are.
                Tensor[] leaves = [.. node.Inputs.Select((x, i) => i < inputCount && x.IsRecorded ? x.Detach().Watch() : x)];
                Run again = _start.Fork();
                Tensor output = again.With(() => Single(inside.Compute(again, leaves[..inputCount])));
                return Autograd.Backward(output, grad, leaves).Map((_, found) => scope.Keep(found));
            }
            finally
            {
                Recording.Restore(suppressed);
            }
        }

        private T KeepingBuffers<T>(Func<T> work)
        {
            Tensor[] saved = [.. inside.Buffers.Select(b => Tensor.From(b.Value.Floats, b.Value.Shape))];
            T result = work();
            for (int i = 0; i < saved.Length; i++) inside.Buffers[i].Assign(saved[i]);
            return result;
        }

        private Tensor Single(Tensor[] outputs) => outputs.Length == 1
            ? outputs[0]
            : throw new NotSupportedException($"{inside.GetType().Name} has {outputs.Length} outputs; recomputation is for modules of one.");
    }
}
