import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
