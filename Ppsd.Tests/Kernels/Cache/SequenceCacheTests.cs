using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Devices;

namespace Ppsd.Tests.Kernels.Cache;

/// <summary>The cache against a plain picture of it: every living token's path, spelled out.</summary>
public sealed class SequenceCacheTests
{
    private const int Capacity = 64;

    [Test]
    public void Random_histories_keep_every_path_apart_and_lose_no_slot()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            RunHistory(new Random(seed), steps: 120);
        }
    }

    [Test]
    public void A_lost_message_is_told_and_not_papered_over()
    {
        var cache = new SequenceCache(new KvPagePool(4), Capacity, Capacity);
        var batch = new StepBatch(8);
        Assert.That(cache.TryAppend(0, SequenceCache.Root, 5, isCertain: true, batch));

        Assert.That(cache.TryAppend(7, 6, 5, isCertain: false, batch), Is.False, "candidate 6 never came");
        Assert.That(cache.Commit(6, 2), Is.False);
        Assert.That(cache.Rollback(6, 2), Is.False);
        Assert.That(batch.RowCount, Is.EqualTo(1));
    }

    [Test]
    public void A_full_sequence_refuses_with_its_size()
    {
        var cache = new SequenceCache(new KvPagePool(1), KvPagePool.PageSize, 100);
        for (var i = 0; i < KvPagePool.PageSize; i++)
        {
            cache.TryAppend(i, i - 1, 1, isCertain: true, new StepBatch(1));
        }

        Assert.That(
            () => cache.TryAppend(99, KvPagePool.PageSize - 1, 1, isCertain: true, new StepBatch(1)),
            Throws.TypeOf<KvCapacityException>().With.Message.Contains("16 tokens")
        );
    }

    [Test]
    public void A_cache_grows_and_keeps_what_it_has_and_where_it_cannot_it_stays_as_it_is()
    {
        var pool = new KvPagePool(3);
        var cache = new SequenceCache(pool, KvPagePool.PageSize, 100);
        var batch = new StepBatch(2 * KvPagePool.PageSize);
        int[] text = [.. Enumerable.Range(1, 2 * KvPagePool.PageSize)];
        for (var i = 0; i < KvPagePool.PageSize; i++)
        {
            cache.TryAppend(i, i - 1, text[i], isCertain: true, batch);
        }

        cache.Reserve(KvPagePool.PageSize);
        Assert.That(pool.FreePages, Is.EqualTo(2));
        Assert.That(() => cache.Reserve(4 * KvPagePool.PageSize), Throws.TypeOf<KvCapacityException>());
        cache.Reserve(KvPagePool.PageSize + 1);
        for (var i = KvPagePool.PageSize; i < 2 * KvPagePool.PageSize; i++)
        {
            cache.TryAppend(i, i - 1, text[i], isCertain: true, batch);
        }

        Assert.That(cache.CountCommitted(text), Is.EqualTo(text.Length));
        Assert.That(cache.CountCommitted([.. text[..5], 0]), Is.EqualTo(5));
        cache.Release();
        Assert.That(pool.FreePages, Is.EqualTo(3));
    }

    [Test]
    public void A_pool_gives_each_page_once_and_takes_them_back()
    {
        var pool = new KvPagePool(5);
        var first = pool.Rent(33);
        var second = pool.Rent(32);

        Assert.That(first.Concat(second), Is.Unique.And.Exactly(5).Items);
        Assert.That(
            () => pool.Rent(1),
            Throws
                .TypeOf<KvCapacityException>()
                .With.Message.EqualTo("KV cache: 1 tokens need 1 pages of 16, but 0 of 5 are free")
        );
        pool.Return(first);
        pool.Return(second);
        Assert.That(pool.FreePages, Is.EqualTo(5));
    }

    private static void RunHistory(Random random, int steps)
    {
        var pool = new KvPagePool(Capacity / KvPagePool.PageSize);
        var cache = new SequenceCache(pool, Capacity, Capacity);
        var batch = new StepBatch(1);

        // Slots and tokens from the first position on, of the verified path and of each living candidate.
        var verified = new Path(SequenceCache.Root, [], []);
        var living = new List<Path>();
        var nextId = 0;
        for (var step = 0; step < steps; step++)
        {
            var held = living.Count + verified.Slots.Length;
            switch (random.Next(10))
            {
                case < 7 when held < Capacity:
                    var parent = living.Count > 0 && random.Next(4) > 0 ? living[random.Next(living.Count)] : verified;
                    living.Add(Append(cache, batch, parent, nextId++, random.Next(100)));
                    break;
                case < 9 when living.Count > 0:
                    verified = living[random.Next(living.Count)];
                    Assert.That(cache.Commit(verified.Head, verified.Slots.Length));
                    living.RemoveAll(path => path == verified || !path.Extends(verified));
                    break;
                case 9 when living.Count > 0:
                    var back = random.Next(2) == 0 ? verified : living[random.Next(living.Count)];
                    Assert.That(cache.Rollback(back.Head, back.Slots.Length));
                    verified = back;
                    living.Clear();
                    break;
                default:
                    break;
            }

            Assert.That(cache.CommittedLength, Is.EqualTo(verified.Slots.Length));
            Assert.That(cache.UncommittedCount, Is.EqualTo(living.Count));
            var slots = living.Select(path => path.Slots[^1]).Concat(verified.Slots).ToList();
            Assert.That(slots, Is.Unique, "two living tokens share a slot");
            if (living.Count > 0)
            {
                var any = living[random.Next(living.Count)];
                var history = cache.HistoryOf(any.Head, promptLength: 0, []);
                Assert.That(history.Committed.ToArray().Concat(history.Tail.ToArray()), Is.EqualTo(any.Tokens));
            }
        }

        // Every slot that nobody holds can be had again.
        Assert.That(cache.Rollback(verified.Head, verified.Slots.Length));
        for (var held = verified.Slots.Length; held < Capacity; held++)
        {
            verified = Append(cache, batch, verified, nextId++, token: 1);
            Assert.That(cache.Commit(verified.Head, verified.Slots.Length));
        }

        cache.Release();
        Assert.That(pool.FreePages, Is.EqualTo(pool.PageCount));
    }

    private static Path Append(SequenceCache cache, StepBatch batch, Path parent, int id, int token)
    {
        batch.Clear();
        Assert.That(cache.TryAppend(id, parent.Head, token, isCertain: false, batch));
        int[] context =
        [
            .. batch.SlotTables[0].Take(batch.CommittedLengths[0]),
            .. batch.TailSlots.Skip(batch.TailStarts[0]).Take(batch.TailLengths[0]),
        ];
        Assert.That(context, Is.EqualTo((int[])[.. parent.Slots, batch.Slots[0]]), "the row attends to its ancestors");
        Assert.That(batch.Positions[0], Is.EqualTo(parent.Slots.Length));
        return new Path(id, context, [.. parent.Tokens, token]);
    }

    private sealed record Path(int Head, int[] Slots, int[] Tokens)
    {
        public bool Extends(Path other) =>
            Slots.Length > other.Slots.Length && Slots.AsSpan(0, other.Slots.Length).SequenceEqual(other.Slots);
    }
}
