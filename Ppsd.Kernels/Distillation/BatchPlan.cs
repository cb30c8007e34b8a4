using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation;

/// <summary>
/// Which sequences each step learns from: each epoch takes all of them in an order of its own, keyed by seed and epoch, and a
/// step takes as many as fit its tokens. A pure function of its arguments, so a run that goes on later sees the same batches.
/// </summary>
/// <param name="batchTokens">Tokens of a step, prompts included; a step has at least one sequence.</param>
/// <param name="seed">Key of the order.</param>
internal sealed class BatchPlan(IReadOnlyList<TrainingSequence> sequences, int batchTokens, int seed)
{
    /// <summary>Batches from the first on, without end.</summary>
    public IEnumerable<IReadOnlyList<TrainingSequence>> Batches()
    {
        var batch = new List<TrainingSequence>();
        var tokens = 0;
        for (var epoch = 0; ; epoch++)
        {
            foreach (var index in Order(epoch))
            {
                var sequence = sequences[index];
                if (batch.Count > 0 && tokens + sequence.Length > batchTokens)
                {
                    yield return batch;
                    batch = [];
                    tokens = 0;
                }

                batch.Add(sequence);
                tokens += sequence.Length;
            }
        }
    }

    /// <summary>Steps until this many answer tokens have been seen.</summary>
    public int StepsFor(long answerTokens)
    {
        var steps = 0;
        long seen = 0;
        foreach (var batch in Batches())
        {
            if (seen >= answerTokens)
            {
                break;
            }

            seen += batch.Sum(sequence => (long)sequence.AnswerTokens);
            steps++;
        }

        return steps;
    }

    private int[] Order(int epoch)
    {
        var order = Enumerable.Range(0, sequences.Count).ToArray();
        new Random(unchecked(seed * 1_000_003 + epoch)).Shuffle(order);
        return order;
    }
}
