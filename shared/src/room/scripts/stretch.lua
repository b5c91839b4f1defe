--[[
  Keeps a visitor in the active set until a hold ends. Never shortens.
    ARGV[1] visitor   ARGV[2] jti   ARGV[3] until when, ms
  Returns 1 when the admission is that one, else 0.
]]
local admission = read_admission(ARGV[1])
if not admission or admission.jti ~= ARGV[2] then return 0 end
if tonumber(ARGV[3]) > tonumber(admission.till) then
  admission.till = ARGV[3]
  write_admission(ARGV[1], admission)
end
return 1
