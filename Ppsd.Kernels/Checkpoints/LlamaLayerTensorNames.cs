namespace Ppsd.Kernels.Checkpoints;

/// <summary>
/// The names of one LLaMA layer's nine tensors, and of those that other families add; a bias has its projection's name
/// with <c>bias</c> for <c>weight</c>. Projections are stored [out, in], as they multiply a column; below,
/// q = head count * head size and kv = KV head count * head size.
/// </summary>
/// <param name="Prefix">What stands before each name, with its closing dot: <c>model.layers.3.</c></param>
public readonly record struct LlamaLayerTensorNames(string Prefix)
{
    /// <summary>[hidden] weight of the RMS norm before attention.</summary>
    public string InputNorm => $"{Prefix}input_layernorm.weight";

    /// <summary>[q, hidden] query projection.</summary>
    public string Query => $"{Prefix}self_attn.q_proj.weight";

    /// <summary>[kv, hidden] key projection.</summary>
    public string Key => $"{Prefix}self_attn.k_proj.weight";

    /// <summary>[kv, hidden] value projection.</summary>
    public string Value => $"{Prefix}self_attn.v_proj.weight";

    /// <summary>[q + 2 kv, hidden] query, key and value projections in one; only some families have it.</summary>
    public string QueryKeyValue => $"{Prefix}self_attn.qkv_proj.weight";

    /// <summary>[2 intermediate, hidden] gate and up projections in one; only some families have it.</summary>
    public string GateUp => $"{Prefix}mlp.gate_up_proj.weight";

    /// <summary>The bias that belongs to a projection's weight.</summary>
    public static string BiasOf(string weight) => weight[..^"weight".Length] + "bias";

    /// <summary>[head] weight of the RMS norm of every query head; only some families have it.</summary>
    public string QueryNorm => $"{Prefix}self_attn.q_norm.weight";

    /// <summary>[head] weight of the RMS norm of every key head; only some families have it.</summary>
    public string KeyNorm => $"{Prefix}self_attn.k_norm.weight";

    /// <summary>[hidden, q] output projection of attention.</summary>
    public string Output => $"{Prefix}self_attn.o_proj.weight";

    /// <summary>[hidden] weight of the RMS norm before the feed-forward block.</summary>
    public string PostAttentionNorm => $"{Prefix}post_attention_layernorm.weight";

    /// <summary>[intermediate, hidden] gate projection.</summary>
    public string Gate => $"{Prefix}mlp.gate_proj.weight";

    /// <summary>[intermediate, hidden] up projection.</summary>
    public string Up => $"{Prefix}mlp.up_proj.weight";

    /// <summary>[hidden, intermediate] down projection.</summary>
    public string Down => $"{Prefix}mlp.down_proj.weight";
}
