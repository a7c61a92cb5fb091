-- Tells pansegnet-node of each study that has become stable: POST /api/notify. See README.md beside this file.

-- An AE title in JSON needs no escapes: what would need one is not sent.
local function senderOf(studyId)
  local study = ParseJson(RestApiGet('/studies/' .. studyId, true))
  local series = ParseJson(RestApiGet('/series/' .. study['Series'][1], true))
  local aet = RestApiGet('/instances/' .. series['Instances'][1] .. '/metadata/RemoteAET', true)
  if aet ~= nil and string.match(aet, '^[%w%-_%. ]+$') and #aet <= 16 then return aet end
  return nil
end

function OnStableStudy(studyId, tags, metadata)
  local node = GetOrthancConfiguration()['PansegnetNode']
  if node == nil or node['Url'] == nil then
    print('PansegnetNode.Url is missing in the configuration of Orthanc: no study is announced')
    return
  end
  -- Without a sender the announcement is as good; a study that was deleted meanwhile has none.
  local known, sender = pcall(senderOf, studyId)
  local body = '{"studyInstanceUid":"' .. tags['StudyInstanceUID'] .. '"'
  if known and sender ~= nil then body = body .. ',"callingAeTitle":"' .. sender .. '"' end
  local headers = { ['Content-Type'] = 'application/json' }
  if node['Token'] ~= nil then headers['Authorization'] = 'Bearer ' .. node['Token'] end
  -- Orthanc logs a request that fails; the node finds the study by its next poll.
  HttpPost(node['Url'] .. '/api/notify', body .. '}', headers)
end
