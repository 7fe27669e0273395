# frozen_string_literal: true

# Calls signed_token of the example in the folder that is named, as a site would, with what is on standard input.

require "json"
require "#{ARGV.fetch(0)}/signing"

begin
  puts HulloSigning.signed_token(*JSON.parse($stdin.read))
rescue ArgumentError => e
  abort e.message
end
