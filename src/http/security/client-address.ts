import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';

/** Whom limits count: an IPv6 client owns a whole network of addresses, and counts as one. */
export const networkOf = (request: Request): string => `address ${ipKeyGenerator(request.ip ?? '')}`;
