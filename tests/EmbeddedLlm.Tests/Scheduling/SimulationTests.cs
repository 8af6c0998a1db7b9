namespace EmbeddedLlm.Tests.Scheduling;

public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Requests = 3400;

    public static TheoryData<SimulatedModel, int> Cases
    {
        get
        {
            TheoryData<SimulatedModel, int> cases = [];
            foreach (SimulatedModel model in new SimulatedModel[]
            {
                new("plain"), new("with guesses", DraftLength: 6), new("recurrent", IsRecurrent: true), new("with a window", Window: 24), new("with a window and guesses", Window: 24, DraftLength: 5),
                new("with adapters", HasAdapters: true), new("with adapters and guesses", DraftLength: 6, HasAdapters: true), new("recurrent with adapters", IsRecurrent: true, HasAdapters: true),
                new("with numbers that are none", HasPoison: true), new("with a draft model", DraftLength: 5, HasDraftModel: true, HasPoison: true),
                new("with everything", Window: 24, DraftLength: 5, HasAdapters: true, HasDraftModel: true, HasPrefixes: true, HasPoison: true),
                new("recurrent with everything", IsRecurrent: true, HasAdapters: true, HasPrefixes: true, HasPoison: true),
            })
            {
                for (int seed = 1; seed <= 3; seed++)
                    cases.Add(model, seed);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void EveryRequestEndsOnceAsItsHistoryAllowsAndNothingIsLost(SimulatedModel model, int seed)
    {
        SimulationFigures figures = new Simulation(model, seed).Run(Requests);
        output.WriteLine(figures.ToString());
        Assert.All(figures.Cancelled, count => Assert.True(count > 0));
        Assert.True(figures.Answered > Requests / 8);
        Assert.All(
            [
                figures.AnsweredWithGrammar, figures.LateFirstTokens, figures.LateAnswers, figures.Failed, figures.Refused, figures.Overflowed, figures.Aborted, figures.Preempted,
                figures.Evicted, figures.CacheHits,
            ],
            count => Assert.True(count > 0));
        Assert.True(figures.TurnHits > 0 || model.IsRecurrent || model.Window > 0);
        Assert.Equal(model.DraftLength > 0, figures.AcceptedDrafts > 0);
        Assert.Equal(model.HasAdapters, figures.AdapterSwitches > 0);
        Assert.Equal(model.HasPrefixes, figures.Preloaded > 0 && figures.Restored > 0);
        Assert.Equal(model.HasPoison, figures.Poisoned > 0);
    }

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void TheSameSeedGivesTheSameEvents(SimulatedModel model, int seed)
    {
        SimulationFigures first = new Simulation(model, seed).Run(300);
        Assert.Equal(first.Hash, new Simulation(model, seed).Run(300).Hash);
        Assert.NotEqual(first.Hash, new Simulation(model, seed + 100).Run(300).Hash);
    }
}
