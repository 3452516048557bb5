/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_table.h
 *	  What conv_choice.c chooses by, printed by "make tune" (tests/bench/tune.c,
 *	  which says what the numbers are).
 *
 *-------------------------------------------------------------------------
 */
/* clang-format off */
static const line lines[] = {
	/* oneDNN 2.6 avx2: GFLOP/s by oneDNN; by its Winograd; by rows */
	{AVX2, 3, 1, 64, 64, 8, {DIRECT, DIRECT, DIRECT}}, /* 80 80 94; - - -; 65 65 84 */
	{AVX2, 3, 2, 64, 128, 8, {DIRECT, ROWS, ROWS}}, /* 80 78 50; - - -; 74 88 52 */
	{AVX2, 3, 1, 128, 128, 4, {ROWS, DIRECT, ROWS}}, /* 96 112 86; - - -; 112 105 100 */
	{AVX2, 1, 2, 64, 128, 8, {DIRECT, DIRECT, DIRECT}}, /* 102 99 89; - - -; 73 79 62 */
	{AVX2, 3, 2, 128, 256, 4, {DIRECT, ROWS, ROWS}}, /* 73 61 43; - - -; 71 107 61 */
	{AVX2, 3, 1, 256, 256, 2, {ROWS, ROWS, ROWS}}, /* 59 99 -; - - -; 177 183 110 */
	{AVX2, 1, 2, 128, 256, 4, {DIRECT, DIRECT, DIRECT}}, /* 84 75 61; - - -; 51 66 39 */
	{AVX2, 3, 2, 256, 512, 2, {ROWS, ROWS, ROWS}}, /* 39 40 -; - - -; 165 146 80 */
	{AVX2, 3, 1, 512, 512, 1, {ROWS, ROWS, ROWS}}, /* 63 69 -; - - -; 466 372 153 */
	{AVX2, 1, 2, 256, 512, 2, {ROWS, ROWS, ROWS}}, /* 40 41 38; - - -; 92 93 48 */
	{AVX2, 3, 1, 64, 64, 10, {DIRECT, DIRECT, DIRECT}}, /* 97 90 97; - - -; 73 76 71 */
	{AVX2, 3, 2, 64, 128, 10, {DIRECT, DIRECT, DIRECT}}, /* 83 58 75; - - -; 64 45 65 */
	{AVX2, 3, 1, 128, 128, 5, {DIRECT, DIRECT, DIRECT}}, /* 100 107 90; - - -; 84 83 82 */
	{AVX2, 1, 2, 64, 128, 10, {DIRECT, DIRECT, DIRECT}}, /* 69 52 47; - - -; 46 19 34 */
	{AVX2, 3, 2, 128, 256, 5, {DIRECT, ROWS, ROWS}}, /* 62 95 72; - - -; 61 136 84 */
	{AVX2, 3, 1, 256, 256, 3, {ROWS, DIRECT, ROWS}}, /* 105 108 66; - - -; 119 88 93 */
	{AVX2, 1, 2, 128, 256, 5, {ROWS, ROWS, ROWS}}, /* 26 31 19; - - -; 62 70 45 */
	{AVX2, 3, 2, 256, 512, 3, {ROWS, ROWS, ROWS}}, /* 64 67 35; - - -; 138 142 104 */
	{AVX2, 3, 1, 512, 512, 2, {ROWS, ROWS, ROWS}}, /* 66 33 -; - - -; 173 136 87 */
	{AVX2, 1, 2, 256, 512, 3, {ROWS, ROWS, ROWS}}, /* 18 23 9; - - -; 58 74 33 */
	{AVX2, 3, 1, 64, 64, 16, {DIRECT, DIRECT, DIRECT}}, /* 104 98 95; - - -; 80 69 72 */
	{AVX2, 3, 2, 64, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 88 82 75; - - -; 69 56 45 */
	{AVX2, 3, 1, 128, 128, 8, {DIRECT, DIRECT, DIRECT}}, /* 83 96 95; - - -; 68 74 86 */
	{AVX2, 1, 2, 64, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 93 71 85; - - -; 43 43 28 */
	{AVX2, 3, 2, 128, 256, 8, {DIRECT, ROWS, ROWS}}, /* 78 75 68; - - -; 74 86 74 */
	{AVX2, 3, 1, 256, 256, 4, {ROWS, DIRECT, ROWS}}, /* 95 86 63; - - -; 101 80 86 */
	{AVX2, 1, 2, 128, 256, 8, {DIRECT, DIRECT, DIRECT}}, /* 98 83 81; - - -; 68 68 50 */
	{AVX2, 3, 2, 256, 512, 4, {ROWS, ROWS, ROWS}}, /* 63 45 33; - - -; 73 100 64 */
	{AVX2, 1, 2, 256, 512, 4, {DIRECT, DIRECT, DIRECT}}, /* 74 57 41; - - -; 31 53 30 */
	{AVX2, 3, 1, 64, 64, 24, {DIRECT, DIRECT, DIRECT}}, /* 80 92 91; - - -; 57 64 73 */
	{AVX2, 3, 2, 64, 128, 24, {DIRECT, DIRECT, DIRECT}}, /* 79 89 85; - - -; 57 43 39 */
	{AVX2, 3, 1, 128, 128, 12, {DIRECT, DIRECT, DIRECT}}, /* 104 85 58; - - -; 84 57 54 */
	{AVX2, 1, 2, 64, 128, 24, {DIRECT, DIRECT, DIRECT}}, /* 63 41 43; - - -; 20 17 23 */
	{AVX2, 3, 2, 128, 256, 12, {DIRECT, DIRECT, DIRECT}}, /* 69 75 57; - - -; 52 65 50 */
	{AVX2, 3, 1, 256, 256, 6, {DIRECT, DIRECT, ROWS}}, /* 82 93 79; - - -; 65 82 93 */
	{AVX2, 1, 2, 128, 256, 12, {DIRECT, DIRECT, DIRECT}}, /* 75 73 78; - - -; 50 36 56 */
	{AVX2, 3, 2, 256, 512, 6, {DIRECT, ROWS, ROWS}}, /* 64 42 46; - - -; 61 71 69 */
	{AVX2, 3, 1, 512, 512, 3, {ROWS, ROWS, ROWS}}, /* 92 58 31; - - -; 108 109 102 */
	{AVX2, 1, 2, 256, 512, 6, {DIRECT, DIRECT, DIRECT}}, /* 81 70 80; - - -; 54 69 61 */
	{AVX2, 3, 1, 64, 64, 32, {DIRECT, DIRECT, DIRECT}}, /* 103 104 82; - - -; 82 78 71 */
	{AVX2, 3, 2, 64, 128, 32, {DIRECT, DIRECT, DIRECT}}, /* 82 83 79; - - -; 75 54 43 */
	{AVX2, 3, 1, 128, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 98 93 93; - - -; 84 80 79 */
	{AVX2, 1, 2, 64, 128, 32, {DIRECT, DIRECT, DIRECT}}, /* 73 54 66; - - -; 39 38 31 */
	{AVX2, 3, 2, 128, 256, 16, {DIRECT, DIRECT, DIRECT}}, /* 72 82 81; - - -; 62 76 75 */
	{AVX2, 3, 1, 256, 256, 8, {DIRECT, DIRECT, DIRECT}}, /* 105 101 65; - - -; 107 100 67 */
	{AVX2, 1, 2, 128, 256, 16, {DIRECT, DIRECT, DIRECT}}, /* 74 103 94; - - -; 48 83 66 */
	{AVX2, 3, 2, 256, 512, 8, {ROWS, ROWS, ROWS}}, /* 53 40 38; - - -; 56 60 60 */
	{AVX2, 3, 1, 512, 512, 4, {ROWS, ROWS, ROWS}}, /* 69 47 36; - - -; 76 78 85 */
	{AVX2, 1, 2, 256, 512, 8, {DIRECT, ROWS, DIRECT}}, /* 73 83 68; - - -; 53 89 50 */
	{AVX2, 3, 1, 64, 64, 56, {DIRECT, DIRECT, DIRECT}}, /* 97 105 89; - - -; 71 91 84 */
	{AVX2, 3, 2, 64, 128, 56, {DIRECT, DIRECT, DIRECT}}, /* 78 86 86; - - -; 57 70 49 */
	{AVX2, 3, 1, 128, 128, 28, {DIRECT, DIRECT, DIRECT}}, /* 101 107 92; - - -; 86 84 84 */
	{AVX2, 1, 2, 64, 128, 56, {DIRECT, DIRECT, DIRECT}}, /* 83 62 83; - - -; 59 48 44 */
	{AVX2, 3, 2, 128, 256, 28, {DIRECT, DIRECT, DIRECT}}, /* 86 79 73; - - -; 73 62 61 */
	{AVX2, 3, 1, 256, 256, 14, {DIRECT, DIRECT, DIRECT}}, /* 95 82 66; - - -; 77 67 66 */
	{AVX2, 1, 2, 128, 256, 28, {DIRECT, DIRECT, DIRECT}}, /* 88 65 81; - - -; 39 43 39 */
	{AVX2, 3, 2, 256, 512, 14, {DIRECT, ROWS, ROWS}}, /* 67 68 53; - - -; 60 85 75 */
	{AVX2, 3, 1, 512, 512, 7, {ROWS, ROWS, ROWS}}, /* 89 82 60; - - -; 92 95 116 */
	{AVX2, 1, 2, 256, 512, 14, {DIRECT, DIRECT, DIRECT}}, /* 90 89 103; - - -; 78 66 64 */
	/* oneDNN 2.6 avx512_core: GFLOP/s by oneDNN; by its Winograd; by rows */
	{AVX512, 3, 1, 64, 64, 8, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 130 120 108; 232 193 190; 118 117 122 */
	{AVX512, 3, 2, 64, 128, 8, {DIRECT, DIRECT, ROWS}}, /* 114 107 86; - - -; 108 110 114 */
	{AVX512, 3, 1, 128, 128, 4, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 150 150 90; 219 210 204; 139 138 135 */
	{AVX512, 1, 2, 64, 128, 8, {DIRECT, ROWS, ROWS}}, /* 104 93 105; - - -; 106 99 114 */
	{AVX512, 3, 2, 128, 256, 4, {ROWS, ROWS, ROWS}}, /* 115 81 65; - - -; 150 139 139 */
	{AVX512, 3, 1, 256, 256, 2, {ROWS, ROWS, ROWS}}, /* 125 133 77; 58 57 64; 209 200 236 */
	{AVX512, 1, 2, 128, 256, 4, {DIRECT, DIRECT, ROWS}}, /* 112 109 77; - - -; 112 108 115 */
	{AVX512, 3, 2, 256, 512, 2, {ROWS, ROWS, ROWS}}, /* 96 41 18; - - -; 213 171 124 */
	{AVX512, 3, 1, 512, 512, 1, {ROWS, ROWS, ROWS}}, /* 267 309 41; 17 16 13; 603 642 234 */
	{AVX512, 1, 2, 256, 512, 2, {ROWS, ROWS, ROWS}}, /* 51 49 21; - - -; 109 102 82 */
	{AVX512, 3, 1, 64, 64, 10, {DIRECT, WINOGRAD, WINOGRAD}}, /* 118 118 110; 119 133 135; 103 106 109 */
	{AVX512, 3, 2, 64, 128, 10, {DIRECT, DIRECT, ROWS}}, /* 115 97 83; - - -; 105 96 94 */
	{AVX512, 3, 1, 128, 128, 5, {DIRECT, DIRECT, ROWS}}, /* 132 133 98; 89 94 87; 102 116 133 */
	{AVX512, 1, 2, 64, 128, 10, {DIRECT, DIRECT, DIRECT}}, /* 82 88 84; - - -; 52 85 69 */
	{AVX512, 3, 2, 128, 256, 5, {DIRECT, ROWS, ROWS}}, /* 154 116 91; - - -; 147 154 126 */
	{AVX512, 3, 1, 256, 256, 3, {DIRECT, DIRECT, ROWS}}, /* 148 162 98; 134 142 138; 145 160 173 */
	{AVX512, 1, 2, 128, 256, 5, {ROWS, ROWS, ROWS}}, /* 93 39 79; - - -; 110 94 113 */
	{AVX512, 3, 2, 256, 512, 3, {ROWS, ROWS, ROWS}}, /* 135 99 59; - - -; 196 196 206 */
	{AVX512, 3, 1, 512, 512, 2, {ROWS, ROWS, ROWS}}, /* 122 120 31; 68 65 60; 213 213 228 */
	{AVX512, 1, 2, 256, 512, 3, {ROWS, ROWS, ROWS}}, /* 66 24 48; - - -; 103 95 80 */
	{AVX512, 3, 1, 64, 64, 16, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 116 113 99; 197 212 157; 108 106 99 */
	{AVX512, 3, 2, 64, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 100 104 91; - - -; 95 93 67 */
	{AVX512, 3, 1, 128, 128, 8, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 129 114 102; 228 225 222; 120 112 110 */
	{AVX512, 1, 2, 64, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 95 76 94; - - -; 90 56 84 */
	{AVX512, 3, 2, 128, 256, 8, {DIRECT, DIRECT, ROWS}}, /* 111 106 75; - - -; 98 105 101 */
	{AVX512, 3, 1, 256, 256, 4, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 133 141 67; 197 208 181; 131 130 136 */
	{AVX512, 1, 2, 128, 256, 8, {DIRECT, DIRECT, DIRECT}}, /* 99 91 86; - - -; 102 79 57 */
	{AVX512, 3, 2, 256, 512, 4, {ROWS, ROWS, ROWS}}, /* 97 78 31; - - -; 115 135 110 */
	{AVX512, 1, 2, 256, 512, 4, {ROWS, ROWS, ROWS}}, /* 99 90 54; - - -; 106 100 85 */
	{AVX512, 3, 1, 64, 64, 24, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 110 101 99; 225 189 164; 107 98 100 */
	{AVX512, 3, 2, 64, 128, 24, {ROWS, DIRECT, DIRECT}}, /* 80 91 82; - - -; 94 80 74 */
	{AVX512, 3, 1, 128, 128, 12, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 114 111 100; 222 216 187; 108 111 108 */
	{AVX512, 1, 2, 64, 128, 24, {DIRECT, DIRECT, DIRECT}}, /* 66 66 74; - - -; 44 51 47 */
	{AVX512, 3, 2, 128, 256, 12, {DIRECT, DIRECT, ROWS}}, /* 115 103 73; - - -; 107 99 85 */
	{AVX512, 3, 1, 256, 256, 6, {DIRECT, WINOGRAD, WINOGRAD}}, /* 133 125 75; 137 129 128; 122 117 123 */
	{AVX512, 1, 2, 128, 256, 12, {DIRECT, DIRECT, DIRECT}}, /* 91 80 88; - - -; 80 71 61 */
	{AVX512, 3, 2, 256, 512, 6, {DIRECT, ROWS, ROWS}}, /* 101 86 41; - - -; 99 113 108 */
	{AVX512, 3, 1, 512, 512, 3, {ROWS, DIRECT, ROWS}}, /* 130 142 25; 78 79 71; 142 141 152 */
	{AVX512, 1, 2, 256, 512, 6, {ROWS, DIRECT, ROWS}}, /* 97 104 84; - - -; 105 99 101 */
	{AVX512, 3, 1, 64, 64, 32, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 106 104 92; 219 199 165; 108 108 101 */
	{AVX512, 3, 2, 64, 128, 32, {DIRECT, DIRECT, DIRECT}}, /* 107 87 82; - - -; 89 81 56 */
	{AVX512, 3, 1, 128, 128, 16, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 109 118 98; 208 231 210; 104 112 108 */
	{AVX512, 1, 2, 64, 128, 32, {DIRECT, DIRECT, DIRECT}}, /* 95 72 93; - - -; 67 57 46 */
	{AVX512, 3, 2, 128, 256, 16, {DIRECT, DIRECT, ROWS}}, /* 107 95 71; - - -; 99 91 86 */
	{AVX512, 3, 1, 256, 256, 8, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 123 117 80; 195 183 190; 115 112 116 */
	{AVX512, 1, 2, 128, 256, 16, {ROWS, DIRECT, DIRECT}}, /* 101 98 81; - - -; 106 98 56 */
	{AVX512, 3, 2, 256, 512, 8, {DIRECT, ROWS, ROWS}}, /* 105 98 61; - - -; 102 113 118 */
	{AVX512, 3, 1, 512, 512, 4, {DIRECT, ROWS, ROWS}}, /* 139 132 51; 119 118 89; 139 139 145 */
	{AVX512, 1, 2, 256, 512, 8, {DIRECT, DIRECT, ROWS}}, /* 107 99 93; - - -; 104 86 99 */
	{AVX512, 3, 1, 64, 64, 56, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 108 110 99; 240 248 208; 108 110 106 */
	{AVX512, 3, 2, 64, 128, 56, {DIRECT, DIRECT, DIRECT}}, /* 106 105 102; - - -; 93 92 83 */
	{AVX512, 3, 1, 128, 128, 28, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 110 111 104; 254 248 199; 111 111 110 */
	{AVX512, 1, 2, 64, 128, 56, {DIRECT, DIRECT, DIRECT}}, /* 98 75 100; - - -; 66 75 60 */
	{AVX512, 3, 2, 128, 256, 28, {DIRECT, DIRECT, ROWS}}, /* 92 96 88; - - -; 93 97 102 */
	{AVX512, 3, 1, 256, 256, 14, {WINOGRAD, WINOGRAD, WINOGRAD}}, /* 119 117 94; 188 182 189; 115 114 120 */
	{AVX512, 1, 2, 128, 256, 28, {DIRECT, DIRECT, DIRECT}}, /* 105 101 102; - - -; 106 104 101 */
	{AVX512, 3, 2, 256, 512, 14, {DIRECT, ROWS, ROWS}}, /* 111 102 68; - - -; 109 106 111 */
	{AVX512, 3, 1, 512, 512, 7, {DIRECT, DIRECT, ROWS}}, /* 119 119 62; 96 98 85; 113 118 129 */
	{AVX512, 1, 2, 256, 512, 14, {ROWS, DIRECT, ROWS}}, /* 105 109 110; - - -; 111 111 116 */
	/* oneDNN 2.6 avx512_core_bf16: GFLOP/s by oneDNN; by its Winograd; by rows */
	{BF16, 3, 1, 64, 64, 8, {DIRECT, DIRECT, ROWS}}, /* 232 236 161; - - -; 211 225 227 */
	{BF16, 3, 2, 64, 128, 8, {DIRECT, ROWS, ROWS}}, /* 243 180 97; - - -; 224 239 206 */
	{BF16, 3, 1, 128, 128, 4, {DIRECT, ROWS, ROWS}}, /* 309 284 188; - - -; 300 295 251 */
	{BF16, 1, 2, 64, 128, 8, {DIRECT, DIRECT, DIRECT}}, /* 206 206 177; - - -; 210 184 159 */
	{BF16, 3, 2, 128, 256, 4, {ROWS, ROWS, ROWS}}, /* 245 232 68; - - -; 305 299 237 */
	{BF16, 3, 1, 256, 256, 2, {ROWS, ROWS, ROWS}}, /* 268 265 102; - - -; 431 438 340 */
	{BF16, 1, 2, 128, 256, 4, {ROWS, DIRECT, ROWS}}, /* 192 195 93; - - -; 205 184 143 */
	{BF16, 3, 2, 256, 512, 2, {ROWS, ROWS, ROWS}}, /* 127 118 26; - - -; 340 340 221 */
	{BF16, 3, 1, 512, 512, 1, {ROWS, ROWS, ROWS}}, /* 312 301 36; - - -; 1464 1416 344 */
	{BF16, 1, 2, 256, 512, 2, {ROWS, ROWS, ROWS}}, /* 94 97 22; - - -; 210 187 114 */
	{BF16, 3, 1, 64, 64, 10, {DIRECT, DIRECT, ROWS}}, /* 251 220 137; - - -; 205 199 198 */
	{BF16, 3, 2, 64, 128, 10, {DIRECT, DIRECT, ROWS}}, /* 220 189 94; - - -; 200 180 161 */
	{BF16, 3, 1, 128, 128, 5, {DIRECT, DIRECT, ROWS}}, /* 267 258 165; - - -; 240 249 230 */
	{BF16, 1, 2, 64, 128, 10, {DIRECT, DIRECT, DIRECT}}, /* 192 190 136; - - -; 192 141 132 */
	{BF16, 3, 2, 128, 256, 5, {DIRECT, DIRECT, ROWS}}, /* 274 268 72; - - -; 255 264 204 */
	{BF16, 3, 1, 256, 256, 3, {ROWS, ROWS, ROWS}}, /* 277 303 124; - - -; 292 317 260 */
	{BF16, 1, 2, 128, 256, 5, {DIRECT, DIRECT, ROWS}}, /* 214 197 41; - - -; 214 198 115 */
	{BF16, 3, 2, 256, 512, 3, {ROWS, ROWS, ROWS}}, /* 243 243 45; - - -; 366 368 301 */
	{BF16, 3, 1, 512, 512, 2, {ROWS, ROWS, ROWS}}, /* 246 259 69; - - -; 412 415 317 */
	{BF16, 1, 2, 256, 512, 3, {ROWS, ROWS, ROWS}}, /* 170 189 39; - - -; 210 211 138 */
	{BF16, 3, 1, 64, 64, 16, {DIRECT, DIRECT, ROWS}}, /* 226 221 173; - - -; 204 207 190 */
	{BF16, 3, 2, 64, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 199 193 142; - - -; 199 167 131 */
	{BF16, 3, 1, 128, 128, 8, {ROWS, ROWS, DIRECT}}, /* 216 206 204; - - -; 229 228 210 */
	{BF16, 1, 2, 64, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 183 191 138; - - -; 161 155 112 */
	{BF16, 3, 2, 128, 256, 8, {DIRECT, ROWS, ROWS}}, /* 227 171 92; - - -; 223 213 184 */
	{BF16, 3, 1, 256, 256, 4, {DIRECT, ROWS, ROWS}}, /* 288 275 210; - - -; 283 283 263 */
	{BF16, 1, 2, 128, 256, 8, {DIRECT, DIRECT, DIRECT}}, /* 197 219 184; - - -; 196 206 181 */
	{BF16, 3, 2, 256, 512, 4, {ROWS, ROWS, ROWS}}, /* 216 214 44; - - -; 289 270 172 */
	{BF16, 1, 2, 256, 512, 4, {DIRECT, DIRECT, ROWS}}, /* 216 209 85; - - -; 213 204 131 */
	{BF16, 3, 1, 64, 64, 24, {DIRECT, DIRECT, DIRECT}}, /* 225 226 188; - - -; 208 216 193 */
	{BF16, 3, 2, 64, 128, 24, {DIRECT, DIRECT, DIRECT}}, /* 221 220 175; - - -; 211 190 176 */
	{BF16, 3, 1, 128, 128, 12, {DIRECT, DIRECT, DIRECT}}, /* 240 227 215; - - -; 226 221 219 */
	{BF16, 1, 2, 64, 128, 24, {DIRECT, DIRECT, DIRECT}}, /* 185 196 185; - - -; 184 180 156 */
	{BF16, 3, 2, 128, 256, 12, {DIRECT, DIRECT, ROWS}}, /* 231 222 126; - - -; 211 211 204 */
	{BF16, 3, 1, 256, 256, 6, {DIRECT, ROWS, ROWS}}, /* 260 244 165; - - -; 244 253 239 */
	{BF16, 1, 2, 128, 256, 12, {DIRECT, DIRECT, ROWS}}, /* 222 198 183; - - -; 220 203 196 */
	{BF16, 3, 2, 256, 512, 6, {DIRECT, ROWS, ROWS}}, /* 246 241 61; - - -; 233 254 209 */
	{BF16, 3, 1, 512, 512, 3, {DIRECT, ROWS, ROWS}}, /* 332 307 146; - - -; 312 320 315 */
	{BF16, 1, 2, 256, 512, 6, {DIRECT, DIRECT, ROWS}}, /* 219 225 120; - - -; 215 216 174 */
	{BF16, 3, 1, 64, 64, 32, {DIRECT, DIRECT, ROWS}}, /* 228 217 174; - - -; 218 213 196 */
	{BF16, 3, 2, 64, 128, 32, {DIRECT, DIRECT, DIRECT}}, /* 215 215 183; - - -; 215 192 180 */
	{BF16, 3, 1, 128, 128, 16, {DIRECT, DIRECT, DIRECT}}, /* 237 212 212; - - -; 228 211 208 */
	{BF16, 1, 2, 64, 128, 32, {DIRECT, DIRECT, DIRECT}}, /* 215 205 175; - - -; 210 185 125 */
	{BF16, 3, 2, 128, 256, 16, {DIRECT, DIRECT, ROWS}}, /* 231 216 154; - - -; 235 216 202 */
	{BF16, 3, 1, 256, 256, 8, {ROWS, ROWS, ROWS}}, /* 231 223 221; - - -; 247 248 247 */
	{BF16, 1, 2, 128, 256, 16, {DIRECT, DIRECT, DIRECT}}, /* 216 216 192; - - -; 208 204 189 */
	{BF16, 3, 2, 256, 512, 8, {DIRECT, ROWS, ROWS}}, /* 228 159 69; - - -; 214 213 209 */
	{BF16, 3, 1, 512, 512, 4, {DIRECT, DIRECT, ROWS}}, /* 280 274 155; - - -; 263 280 274 */
	{BF16, 1, 2, 256, 512, 8, {DIRECT, DIRECT, ROWS}}, /* 216 210 169; - - -; 218 215 189 */
	{BF16, 3, 1, 64, 64, 56, {DIRECT, DIRECT, DIRECT}}, /* 210 221 196; - - -; 212 213 164 */
	{BF16, 3, 2, 64, 128, 56, {DIRECT, DIRECT, DIRECT}}, /* 208 212 172; - - -; 203 204 132 */
	{BF16, 3, 1, 128, 128, 28, {DIRECT, DIRECT, DIRECT}}, /* 224 217 211; - - -; 214 209 179 */
	{BF16, 1, 2, 64, 128, 56, {DIRECT, DIRECT, DIRECT}}, /* 197 185 194; - - -; 193 165 119 */
	{BF16, 3, 2, 128, 256, 28, {DIRECT, DIRECT, DIRECT}}, /* 221 202 167; - - -; 217 203 159 */
	{BF16, 3, 1, 256, 256, 14, {DIRECT, ROWS, DIRECT}}, /* 222 224 218; - - -; 221 231 197 */
	{BF16, 1, 2, 128, 256, 28, {DIRECT, DIRECT, DIRECT}}, /* 222 204 193; - - -; 221 191 151 */
	{BF16, 3, 2, 256, 512, 14, {DIRECT, ROWS, ROWS}}, /* 223 179 85; - - -; 218 214 170 */
	{BF16, 3, 1, 512, 512, 7, {DIRECT, ROWS, ROWS}}, /* 238 204 165; - - -; 232 235 215 */
	{BF16, 1, 2, 256, 512, 14, {DIRECT, DIRECT, DIRECT}}, /* 215 216 203; - - -; 213 206 173 */
};

/* Views a second of a lane, through all convolutions of a training step at 128 pixels: in float, in bf16. */
static const speed speeds[] = {
	{SC_CONV_ISA_AVX512_BF16, 53.4, 69.7},
	/* Not measured anew: Intel's without AMX multiply bf16 no faster than float; those with it eight times as fast. */
	{SC_CONV_ISA_AVX512_FP16, 1, 0},
	{SC_CONV_ISA_AMX, 1, 8},
};
/* clang-format on */
