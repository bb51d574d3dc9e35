# Prints what Vagrant reads from the Vagrantfile of a folder: each machine's networks and the arguments of its
# provisioning, as JSON.

require "json"
require "vagrant"

environment = Vagrant::Environment.new(cwd: ARGV.fetch(0))
machines = environment.machine_names.to_h do |name|
  vm = environment.vagrantfile.machine_config(name, nil, nil)[:config].vm
  [name, { networks: vm.networks, arguments: vm.provisioners.map { |each| each.config.args } }]
end
puts JSON.dump(machines)
