using System.IO.Pipelines;

namespace Ppsd.Host.Api.Serving;

/// <summary>
/// Passes on what a client sends, and reports the end of it only once all before it has been taken: Kestrel refuses a request
/// whose body it reads together with the end of the client's side of the connection.
/// </summary>
/// <param name="inner">What the client sends.</param>
internal sealed class PatientReader(PipeReader inner) : PipeReader
{
    private SequencePosition _start;
    private bool _hasWithheld;

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        Pass(await inner.ReadAsync(cancellationToken));

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
        {
            return false;
        }

        result = Pass(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // A reader that has taken something is not stuck, and may find the rest of it in what is left.
        _hasWithheld &= consumed.Equals(_start);
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private ReadResult Pass(ReadResult result)
    {
        _start = result.Buffer.Start;
        if (!result.IsCompleted || result.Buffer.IsEmpty || _hasWithheld)
        {
            return result;
        }

        _hasWithheld = true;
        return new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false);
    }
}
