import http from 'node:http';
import https from 'node:https';

// One connection per request: a kept connection that the archive closes just then looks like an archive that is down.
export const httpAgent = new http.Agent({ keepAlive: false });
export const httpsAgent = new https.Agent({ keepAlive: false });
