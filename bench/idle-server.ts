/** A server that does nothing else: how late it answers is the machine's doing. Prints its port. */
import { createServer } from 'node:http';

const server = createServer((_request, response) => void response.end('ok'));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) console.log(address.port);
});
