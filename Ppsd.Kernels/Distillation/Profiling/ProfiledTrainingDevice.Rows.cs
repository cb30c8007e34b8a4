using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Profiling;

/// <content>Operations row by row.</content>
internal sealed partial class ProfiledTrainingDevice
{
    public override void Upload(ReadOnlySpan<float> source, Activations target, int rows)
    {
        var started = clock.GetTimestamp();
        inner.Upload(source, target, rows);
        Note(OperationKind.Rows, started);
    }

    public override void Upload(ReadOnlySpan<int> source, IndexBuffer target)
    {
        var started = clock.GetTimestamp();
        inner.Upload(source, target);
        Note(OperationKind.Rows, started);
    }

    public override void Download(Activations source, int rows, Span<float> target)
    {
        var started = clock.GetTimestamp();
        inner.Download(source, rows, target);
        Note(OperationKind.Rows, started);
    }

    public override void Clear(Activations target, int rows)
    {
        var started = clock.GetTimestamp();
        inner.Clear(target, rows);
        Note(OperationKind.Rows, started);
    }

    public override void Copy(Activations source, Activations target, int rows)
    {
        var started = clock.GetTimestamp();
        inner.Copy(source, target, rows);
        Note(OperationKind.Rows, started);
    }

    public override void Add(Activations source, Activations target, int rows)
    {
        var started = clock.GetTimestamp();
        inner.Add(source, target, rows);
        Note(OperationKind.Rows, started);
    }

    public override void Scale(Activations target, float factor, int rows)
    {
        var started = clock.GetTimestamp();
        inner.Scale(target, factor, rows);
        Note(OperationKind.Rows, started);
    }

    public override void PlaceColumns(Activations source, Activations target, int column, int rows)
    {
        var started = clock.GetTimestamp();
        inner.PlaceColumns(source, target, column, rows);
        Note(OperationKind.Rows, started);
    }

    public override void TakeColumns(Activations source, int column, Activations target, int rows, bool adds)
    {
        var started = clock.GetTimestamp();
        inner.TakeColumns(source, column, target, rows, adds);
        Note(OperationKind.Rows, started);
    }

    public override void Embed(TrainingMatrix table, IndexBuffer tokens, Activations y, int rows)
    {
        var started = clock.GetTimestamp();
        inner.Embed(table, tokens, y, rows);
        Note(OperationKind.Rows, started);
    }

    public override void GatherRows(Activations x, IndexBuffer rows, int first, int count, Activations y)
    {
        var started = clock.GetTimestamp();
        inner.GatherRows(x, rows, first, count, y);
        Note(OperationKind.Rows, started);
    }

    public override void ScatterAddRows(Activations x, IndexBuffer rows, int first, int count, Activations y)
    {
        var started = clock.GetTimestamp();
        inner.ScatterAddRows(x, rows, first, count, y);
        Note(OperationKind.Rows, started);
    }

    public override void RmsNorm(
        Activations x,
        TrainingMatrix scale,
        float epsilon,
        Activations y,
        Activations inverse,
        int rows
    )
    {
        var started = clock.GetTimestamp();
        inner.RmsNorm(x, scale, epsilon, y, inverse, rows);
        Note(OperationKind.Rows, started);
    }

    public override void RmsNormGradient(
        Activations dy,
        Activations x,
        TrainedMatrix scale,
        Activations inverse,
        Activations? dx,
        int rows
    )
    {
        var started = clock.GetTimestamp();
        inner.RmsNormGradient(dy, x, scale, inverse, dx, rows);
        Note(OperationKind.Rows, started);
    }

    public override void AddBias(Activations y, int column, TrainingMatrix bias, int rows)
    {
        var started = clock.GetTimestamp();
        inner.AddBias(y, column, bias, rows);
        Note(OperationKind.Rows, started);
    }

    public override void BiasGradient(Activations dy, int column, TrainedMatrix bias, int rows)
    {
        var started = clock.GetTimestamp();
        inner.BiasGradient(dy, column, bias, rows);
        Note(OperationKind.Rows, started);
    }

    public override void NormHeads(
        Activations x,
        AttentionShape shape,
        TrainingMatrix queryScale,
        TrainingMatrix keyScale,
        float epsilon,
        Activations y,
        Activations inverse,
        int rows
    )
    {
        var started = clock.GetTimestamp();
        inner.NormHeads(x, shape, queryScale, keyScale, epsilon, y, inverse, rows);
        Note(OperationKind.Rows, started);
    }

    public override void NormHeadsGradient(
        Activations gradient,
        Activations x,
        AttentionShape shape,
        TrainedMatrix queryScale,
        TrainedMatrix keyScale,
        Activations inverse,
        int rows
    )
    {
        var started = clock.GetTimestamp();
        inner.NormHeadsGradient(gradient, x, shape, queryScale, keyScale, inverse, rows);
        Note(OperationKind.Rows, started);
    }

    public override void SwiGlu(Activations gateUp, Activations y, int rows)
    {
        var started = clock.GetTimestamp();
        inner.SwiGlu(gateUp, y, rows);
        Note(OperationKind.Rows, started);
    }

    public override void SwiGluGradient(Activations gateUp, Activations dy, Activations dGateUp, int rows)
    {
        var started = clock.GetTimestamp();
        inner.SwiGluGradient(gateUp, dy, dGateUp, rows);
        Note(OperationKind.Rows, started);
    }

    public override void Rotate(
        Activations queryKeyValue,
        AttentionShape shape,
        IDisposable rotary,
        IndexBuffer positions,
        int rows,
        bool inverse
    )
    {
        var started = clock.GetTimestamp();
        inner.Rotate(queryKeyValue, shape, rotary, positions, rows, inverse);
        Note(OperationKind.Rows, started);
    }
}
