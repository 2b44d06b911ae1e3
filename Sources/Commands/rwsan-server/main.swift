import RWSANCommands
import Server

RWSANCommand.serve { job in
    try AnswerServer.run(
        job.makeAnswerer(), names: job.names, job.settings, onNotice: job.onNotice,
        onListening: job.onListening)
}
