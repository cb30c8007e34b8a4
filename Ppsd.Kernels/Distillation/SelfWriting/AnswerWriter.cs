using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Distillation.SelfWriting;

/// <summary>
/// Has the target write answers, many sequences at a time on the stages that serve it: each step of the stages carries a token of
/// every running sequence. Draws are keyed by each request's seed, so an answer does not depend on its company.
/// </summary>
/// <param name="stages">The model's stages in order; stay the caller's.</param>
/// <param name="width">Sequences that run at a time; no more than the stages' widest step.</param>
/// <param name="maxLength">Longest text, prompt included.</param>
/// <param name="maxAnswer">Longest answer.</param>
/// <param name="endTokens">Tokens that end an answer; the one that did is part of it.</param>
internal sealed class AnswerWriter(
    IReadOnlyList<StageModel> stages,
    int width,
    int maxLength,
    int maxAnswer,
    IReadOnlyCollection<int> endTokens
)
{
    private readonly List<Running> _running = [];
    private byte[] _hidden = [];

    /// <summary>Writes the answers in the order in which they end.</summary>
    /// <param name="requests">Texts to write, each prompt shorter than the longest text.</param>
    /// <param name="cancellation">Gives up between two steps.</param>
    public IEnumerable<(int Index, int[] Answer)> Write(
        IReadOnlyList<AnswerRequest> requests,
        CancellationToken cancellation
    )
    {
        var next = 0;
        while (next < requests.Count || _running.Count > 0)
        {
            while (_running.Count < width && next < requests.Count)
            {
                _running.Add(Start(next, requests[next]));
                next++;
            }

            if (cancellation.IsCancellationRequested)
            {
                ReleaseAll();
                yield break;
            }

            for (var i = _running.Count - 1; i >= 0; i--)
            {
                var running = _running[i];
                if (IsDone(running))
                {
                    Release(running);
                    _running.RemoveAt(i);
                    yield return (running.Index, [.. running.Answer]);
                }
            }

            Advance();
        }
    }

    private bool IsDone(Running running) =>
        endTokens.Contains(running.Answer[^1]) || running.Answer.Count >= maxAnswer || running.Entered + 1 >= maxLength;

    private Running Start(int index, AnswerRequest request)
    {
        var running = new Running(index, request.Prompt.Length);
        foreach (var stage in stages)
        {
            stage.Open(index, maxLength, request.Prompt.Length, request.Sampling);
        }

        var chunk = stages[0].MaxRows;
        for (var first = 0; first < request.Prompt.Length; first += chunk)
        {
            Begin();
            foreach (var token in request.Prompt.AsSpan(first, Math.Min(chunk, request.Prompt.Length - first)))
            {
                Append(running, token);
            }

            Forward();
        }

        var last = stages[^1];
        last.RunTargetHead(last.RowCount - 1);
        running.Answer.Add(last.Verdict(last.RowCount - 1));
        return running;
    }

    private void Advance()
    {
        if (_running.Count == 0)
        {
            return;
        }

        Begin();
        foreach (var running in _running)
        {
            Append(running, running.Answer[^1]);
        }

        Forward();
        stages[^1].RunTargetHead(0);
        for (var row = 0; row < _running.Count; row++)
        {
            _running[row].Answer.Add(stages[^1].Verdict(row));
        }
    }

    private void Begin()
    {
        foreach (var stage in stages)
        {
            stage.BeginStep();
        }
    }

    private void Append(Running running, int token)
    {
        foreach (var stage in stages)
        {
            if (!stage.TryAppend(running.Index, running.Entered, running.Entered - 1, token, isCertain: true))
            {
                throw new InvalidOperationException($"sequence {running.Index} refused its token {running.Entered}");
            }
        }

        running.Entered++;
    }

    private void Forward()
    {
        var rows = stages[0].RowCount;
        for (var i = 0; i < stages.Count; i++)
        {
            stages[i].Forward(i == 0 ? [] : _hidden.AsSpan(0, rows * stages[i].HiddenBytesPerRow), () => false);
            if (i + 1 < stages.Count)
            {
                _hidden =
                    _hidden.Length >= rows * stages[i].HiddenBytesPerRow
                        ? _hidden
                        : new byte[rows * stages[i].HiddenBytesPerRow];
                stages[i].ReadHidden(_hidden.AsSpan(0, rows * stages[i].HiddenBytesPerRow));
            }
        }
    }

    private void Release(Running running)
    {
        foreach (var stage in stages)
        {
            stage.Release(running.Index);
        }
    }

    private void ReleaseAll()
    {
        _running.ForEach(Release);
        _running.Clear();
    }

    private sealed class Running(int index, int promptLength)
    {
        public int Index { get; } = index;

        public int Entered { get; set; }

        public List<int> Answer { get; } = new(promptLength);
    }
}
