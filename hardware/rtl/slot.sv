// What draws new states: a generator, a memory of thresholds and comparators, for one unit in each phase.
//
// A row of the memory has the thresholds of one unit at one address, which is the state of its neighbours or the sum
// of their weights: threshold z is 2^THRESHOLD_BITS P(state > z), and the new state is how many of them are above a
// random word. Rows of one table at one stage of the schedule are a set; sets stand one after the other.
module ppl_slot #(
    parameter integer PHASES = 1,
    parameter integer PHASE_BITS = 1,
    parameter integer STAGE_BITS = 1,
    parameter integer STATE_BITS = 1,
    parameter integer ADDRESS_BITS = 1,
    parameter integer SETS = 1,
    parameter integer SET_BITS = 1,
    parameter integer INDEX_BITS = 1,
    parameter integer CHOICES = 1,         // thresholds in a row
    parameter integer THRESHOLD_BITS = 16,
    parameter integer WORD = 32,
    parameter integer A = 26,
    parameter integer B = 9,
    parameter integer C = 13,
    parameter [PHASES*SET_BITS-1:0] FIRST = 0,  // of each phase, its first set
    parameter [2*WORD-1:0] START = 1,
    parameter THRESHOLDS = "thresholds_0.mem"
) (
    input  wire                           clk,
    input  wire                           load,
    input  wire                           mix,
    input  wire                           seed,
    input  wire                           update,
    input  wire [PHASE_BITS-1:0]          phase,
    input  wire [STAGE_BITS-1:0]          stage,
    input  wire [PHASES*ADDRESS_BITS-1:0] addresses,
    output reg  [STATE_BITS-1:0]          drawn
);
    localparam integer WIDTH = THRESHOLD_BITS + 1;  // a threshold may be 2^THRESHOLD_BITS, which is always above

    reg [CHOICES*WIDTH-1:0] memory [0:(SETS<<ADDRESS_BITS)-1];
    initial $readmemh(THRESHOLDS, memory);

    wire [WORD-1:0] word;
    ppl_generator #(.WORD(WORD), .A(A), .B(B), .C(C), .START(START)) generator (
        .clk(clk), .load(load), .mix(mix), .seed(seed), .step(update), .word(word)
    );

    wire [SET_BITS-1:0]              set = FIRST[phase*SET_BITS +: SET_BITS] + SET_BITS'(stage);
    wire [SET_BITS+ADDRESS_BITS-1:0] index = {set, addresses[phase*ADDRESS_BITS +: ADDRESS_BITS]};

    reg [CHOICES*WIDTH-1:0]  row;
    reg [THRESHOLD_BITS-1:0] random;
    always @(posedge clk) begin
        row    <= memory[index[INDEX_BITS-1:0]];
        random <= word[WORD-1 -: THRESHOLD_BITS];
    end

    integer z;
    always @* begin
        drawn = 0;
        for (z = 0; z < CHOICES; z = z + 1)
            drawn = drawn + STATE_BITS'({1'b0, random} < row[z*WIDTH +: WIDTH]);
    end
endmodule
