using System.Text;
using System.Text.Json;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

/// <summary>Renders small templates over one fixed set of variables.</summary>
internal static class TemplateRun
{
    private const string VariablesJson = """
        {
          "name": "Ada",
          "text": "  Hello World\n",
          "emoji": "a😀b",
          "empty": "",
          "n": 7,
          "f": 2.5,
          "yes": true,
          "nothing": null,
          "list": [
            3,
            1,
            2
          ],
          "words": [
            "b",
            "A",
            "c",
            "a"
          ],
          "people": [
            {
              "name": "x",
              "age": 2,
              "home": {
                "rooms": [
                  1,
                  2
                ]
              }
            },
            {
              "name": "Y",
              "age": 1
            },
            {
              "name": "x",
              "age": 3
            }
          ],
          "map": {
            "b": 1,
            "A": 2,
            "c": null,
            "items": 5
          },
          "mixed": [
            1,
            "a",
            null,
            2.5,
            true,
            [
              1
            ],
            {
              "q": 1
            }
          ],
          "html": "<b>&'\"</b>",
          "lines": "one\ntwo\r\n\nfour",
          "tree": [
            {
              "n": "1",
              "kids": [
                {
                  "n": "1.1",
                  "kids": []
                },
                {
                  "n": "1.2",
                  "kids": [
                    {
                      "n": "1.2.1",
                      "kids": []
                    }
                  ]
                }
              ]
            },
            {
              "n": "2",
              "kids": []
            }
          ],
          "pairs": [
            [
              1,
              "a"
            ],
            [
              2,
              "b"
            ]
          ],
          "quotes": "it's \"q\" \\ \u200b",
          "big": 123456789012345678901234567890
        }
        """;

    public static IReadOnlyDictionary<string, TemplateValue> Variables { get; } = Read(VariablesJson);

    public static string Render(string template) => ChatTemplate.Parse(template).Render(Variables).ToString();

    /// <summary>What a template renders to, with the caller's text between angle quotes.</summary>
    public static string RenderMarked(string template, IReadOnlyDictionary<string, TemplateValue>? variables = null)
    {
        StringBuilder text = new();
        foreach (PromptPart part in ChatTemplate.Parse(template).Render(variables ?? Variables).Parts)
            text.Append(part.Kind == PromptPartKind.Caller ? $"«{part.Text}»" : part.Text);
        return text.ToString();
    }

    public static Dictionary<string, TemplateValue> Read(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateObject().ToDictionary(property => property.Name, property => TemplateValue.FromJson(property.Value));
    }
}
