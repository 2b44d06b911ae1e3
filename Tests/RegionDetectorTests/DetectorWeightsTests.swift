import RegionDetector
import TestSupport
import Testing

struct DetectorWeightsTests {
    @Test("the file of bottom-up-attention.pytorch is read")
    func milvlg() throws {
        let weights = try DetectorWeights(contentsOf: Fixtures.url("detector/weights_milvlg.pth").path)
        #expect(weights.state["backbone.stem.conv1.weight"]?.shape == [8, 3, 7, 7])
    }
}
