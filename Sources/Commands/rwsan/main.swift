import RWSANCommands

RWSANCommand.main()
