import { isLoopback } from '../config/http.ts';
import type { Config } from '../config.ts';
import { checkExposure } from '../doctor/check-exposure.ts';
import { checkMemory } from '../doctor/check-machine.ts';
import { noModelConfigured } from '../doctor/check-models.ts';
import { checkFolder } from '../doctor/check-storage.ts';
import type { Finding } from '../doctor/finding.ts';
import { dataFolders } from './observation.ts';

/** What an administrator should know when the node starts and what `doctor` finds without asking anybody. */
export async function startFindings(config: Config): Promise<Finding[]> {
  const { queue, models, http } = config;
  const folders = Object.entries(dataFolders(config)).map(([name, folder]) => checkFolder(name, folder));
  const findings = [
    checkMemory(queue.concurrency),
    ...(await Promise.all(folders)).flat(),
    ...((models.CT ?? models.T1W ?? models.T2W) === null ? [noModelConfigured()] : []),
    checkExposure({
      host: http.host,
      port: http.port,
      isLoopback: isLoopback(http.host),
      hasTls: http.tls.certificate !== null,
      isBehindProxy: http.trustedProxies.length > 0,
    }),
  ];
  return findings.filter(({ verdict }) => verdict !== 'ok');
}
