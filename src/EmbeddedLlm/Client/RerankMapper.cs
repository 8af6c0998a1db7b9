namespace EmbeddedLlm.Client;

/// <summary>Makes a ranking of a head's scores.</summary>
internal static class RerankMapper
{
    /// <summary>The documents, the best first; equals in their order.</summary>
    /// <param name="scores">Each document's scores, [documents × labels]; the first label's counts, as in llama.cpp.</param>
    /// <param name="options">How many, and on which scale.</param>
    /// <param name="areProbabilities">Whether the scores are probabilities already.</param>
    /// <exception cref="DecodeException">A score is no number.</exception>
    public static RerankResult[] Order(float[][] scores, RerankOptions options, bool areProbabilities)
    {
        RerankResult[] results = new RerankResult[scores.Length];
        for (int i = 0; i < scores.Length; i++)
        {
            float score = scores[i][0];
            if (!float.IsFinite(score))
                throw new DecodeException($"The model gave no usable score for document {i}: it is NaN or infinite.");
            results[i] = new RerankResult(i, score);
        }

        // Sorted by what the head gives, since the logistic function makes equals of very high scores.
        IEnumerable<RerankResult> best = results.OrderByDescending(result => result.Score).Take(options.Top ?? results.Length);
        return [.. best.Select(result => options.Sigmoid && !areProbabilities ? result with { Score = Sigmoid(result.Score) } : result)];
    }

    private static float Sigmoid(float logit) => (float)(1 / (1 + Math.Exp(-logit)));
}
