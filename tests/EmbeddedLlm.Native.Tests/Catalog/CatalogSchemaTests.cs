using System.Text.Json.Nodes;
using EmbeddedLlm.Tests;
using Json.Schema;

namespace EmbeddedLlm.Native.Tests.Catalog;

public sealed class CatalogSchemaTests
{
    [Fact]
    public void OurCatalogueFitsItsSchema()
    {
        JsonSchema schema = JsonSchema.FromFile(Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm", "Catalog", "models.schema.json"));
        JsonNode catalogue = JsonNode.Parse(File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "models.json")))!;
        EvaluationResults results = schema.Evaluate(catalogue, new EvaluationOptions { OutputFormat = OutputFormat.List });
        Assert.True(results.IsValid, string.Join('\n', results.Details.Where(detail => detail.HasErrors).Select(detail => $"{detail.InstanceLocation}: {string.Join(", ", detail.Errors!.Values)}")));
    }
}
