import RWSANCommands
import VisualQuestionAnswering

// Every command of rwsan, with one model more.
RWSANCommand.main(models: ModelRegistry([MeanModel.self, RWSAN.self, MCAN.self]))
