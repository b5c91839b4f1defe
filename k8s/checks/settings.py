"""Every variable, flag and value is one that the program takes: asked of the built program itself."""

# A program that gets as far as this has taken all of its settings.
TAKES_THEM = {True: "cannot listen on {address}", False: "the database cannot be reached"}


def check(site, report):
    """Checks the settings of every container and of every image."""
    for container in site.containers():
        with report.at(container.name):
            _check_container(site, report, container)
    for name, stage in site.dockerfile.stages.items():
        entrypoint = stage.entrypoint()
        if entrypoint:
            with report.at(f"Dockerfile, target {name}"):
                _check_image(site, report, stage, name)


def _check_container(site, report, container):
    command, unknown = _command(site, container)
    if not report.check(not unknown, f"{container.program} has no command {' '.join(unknown)}"):
        return
    options = site.programs.help(container.program, *command)
    report.check(not options.commands, f"{container.program} needs a command in args")
    for word in _unknown_flags(container.arguments[len(command):], options):
        report.check(False, f"`{container.program} {' '.join(command)}` does not know {word}")
    # A variable of the image may be another command's: `migrate` listens nowhere.
    others = set(container.stage(site).pairs("ENV")) - set(options.variables)
    for variable in set(container.variables(site)) - others:
        is_known = variable in options.variables
        report.check(is_known, f"`{container.program} {' '.join(command)}` does not know {variable}")
    _check_start(site, report, container, options)


def _command(site, container):
    """The subcommands in the arguments, and what is none."""
    known = []
    for word in container.command():
        commands = site.programs.help(container.program, *known).commands
        if not commands:
            break
        if word not in commands:
            return known, [word]
        known.append(word)
    return known, []


def _unknown_flags(words, options):
    words = iter(words)
    for word in words:
        flag, has_value, _ = word.partition("=")
        option = options.flags.get(flag)
        if option is None:
            yield word
        elif option.takes_value and not has_value:
            next(words, None)


def _check_image(site, report, stage, name):
    known = set(site.programs.help(name).variables)
    for command in site.programs.help(name).commands - {"help"}:
        known |= set(site.programs.help(name, command).variables)
    for variable in stage.pairs("ENV"):
        report.check(variable in known, f"{name} does not know {variable}")


def _check_start(site, report, container, options):
    """Starts the program with the Pod's very settings, and with an admin port or a database that it cannot have."""
    variables = container.variables(site)
    listens = "--admin-listen" in options.flags
    variables.update(_example(name, site) for name, value in variables.items() if value is None)
    variables = {name: _on_this_machine(site, container, str(value)) for name, value in variables.items()}
    if listens:
        variables["ONSALE_ADMIN_LISTEN"] = site.programs.taken_address
    else:
        variables["ONSALE_MIGRATE_WAIT_SECONDS"] = "0"
    said = site.programs.run(container.program, container.arguments, variables)
    expected = TAKES_THEM[listens].format(address=site.programs.taken_address)
    report.check(expected in said, f"{container.program} refuses these settings: {' '.join(said.split())[:400]}")


def _example(variable, site):
    """What a Secret might hold, or what the Pod might be."""
    if variable.endswith("_IP"):
        return variable, "10.0.0.7"
    scheme = "redis" if "REDIS" in variable else "postgres"
    return variable, f"{scheme}://{site.programs.taken_address}/0"


def _on_this_machine(site, container, value):
    """A path below a mounted ConfigMap, as a path to a real file with the same content."""
    volumes = {volume["name"]: volume for volume in container.workload.pod.get("volumes", [])}
    for mount in container.spec.get("volumeMounts", []):
        name = volumes.get(mount["name"], {}).get("configMap", {}).get("name")
        config = site.find("ConfigMap", name)
        if config and value.startswith(mount["mountPath"] + "/"):
            key = value[len(mount["mountPath"]) + 1:]
            # One that is not there is the references' complaint.
            return site.programs.file(key, config["data"].get(key, ""))
    return value
