import Testing
import VQASettings
@testable import VisualQuestionAnswering

/// Settings that import suggests for sets of few questions.
@Suite struct SuggestedSettingsTests {
    @Test(
        "every suggestion is one that train takes, and its steps are of no more questions than there are",
        arguments: [
            1, 3, 240, 999, 1_000, 9_999, 10_000, 99_999, 100_000, 443_757,
        ])
    func suggestions(questions: Int) throws {
        let suggestion = SuggestedSettings(questions: questions)
        var configuration = Configuration()
        try configuration.apply(suggestion.settings.map { ($0.key, SettingValue(parsing: $0.value)) })
        try configuration.validate()
        #expect(configuration.training.batchSize <= questions && !configuration.training.useGlove)
        #expect(configuration.training.lrDecayList.allSatisfy { $0 < configuration.training.maxEpoch })
        #expect(configuration.data.imgFeatSize == 80)
        #expect(suggestion.threshold <= 8 && suggestion.threshold >= 0)
    }

    @Test("fewer questions have more epochs, smaller steps and rarer answers")
    func order() {
        #expect(SuggestedSettings(questions: 20).threshold == 0)
        let suggestions = [240, 2_000, 40_000].map(SuggestedSettings.init)
        #expect(suggestions.map(\.threshold) == [1, 2, 4])
        func values(_ key: String) -> [String?] {
            suggestions.map { $0.settings.first { $0.key == key }?.value }
        }
        #expect(values("max_epoch") == ["40", "20", "9"] && values("batch_size") == ["8", "16", "64"])
        #expect(SuggestedSettings(questions: 443_757).settings.count == 2)
    }
}
