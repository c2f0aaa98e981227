// The states of the units, the order of their updates, and the registers.
//
// A sweep goes through the phases, two clocks each: in the first, slots read thresholds and take a random word; in the
// second, when `update` is 1, the units of the phase take what was drawn, unless they are held.
module ppl_control #(
    parameter integer UNITS = 1,
    parameter integer STATE_BITS = 1,    // of each unit: a power of 2
    parameter integer STATE_WORDS = 1,
    parameter integer HELD_WORDS = 1,
    parameter integer PHASES = 1,
    parameter integer PHASE_BITS = 1,
    parameter integer STAGES = 1,
    parameter integer STAGE_BITS = 1,
    parameter integer ADDRESS_BITS = 5,
    parameter [UNITS*PHASE_BITS-1:0] PHASE_OF = 0,
    parameter [32*STATE_WORDS-1:0] START = 0,
    parameter [32*HELD_WORDS-1:0] HELD = 0,
    parameter ENDS = "ends.mem"          // of each stage its last sweep, the first being 0
) (
    input  wire                        clk,
    input  wire                        rst,
    input  wire [ADDRESS_BITS-1:0]     address,
    input  wire                        write_enable,
    input  wire [31:0]                 write_data,
    output reg  [31:0]                 read_data,
    input  wire [UNITS*STATE_BITS-1:0] drawn,
    output reg  [32*STATE_WORDS-1:0]   states,
    output reg  [PHASE_BITS-1:0]       phase,
    output reg  [STAGE_BITS-1:0]       stage,
    output reg                         update,
    output wire                        load,
    output wire                        mix,
    output wire                        seed
);
    localparam integer INDEX_BITS = ADDRESS_BITS - 2;
    localparam [1:0] REGISTERS = 0, STATES = 1, MASK = 2;
    localparam [INDEX_BITS-1:0] RUN = 0, SWEEP = 1, STAGE = 2, SEED = 3, SIZE = 4;

    wire [1:0]            space = address[ADDRESS_BITS-1 -: 2];
    wire [INDEX_BITS-1:0] index = address[INDEX_BITS-1:0];
    wire                  set_register = write_enable && space == REGISTERS;

    reg [32*HELD_WORDS-1:0] held;
    reg [31:0]              remaining, sweep;
    reg                     fixed;  // the stage was written, and stays

    reg [31:0] ends [0:(1<<STAGE_BITS)-1];
    initial $readmemh(ENDS, ends);

    wire running   = remaining != 0 && !mix;
    wire under_way = running || phase != 0 || update;
    wire last      = running && update && phase == PHASE_BITS'(PHASES - 1);

    assign load = rst || (set_register && index == SEED);

    // Generators mix a seed, its lowest bit first, and go on with zeros.
    reg [31:0] seeding;
    reg [6:0]  mixing;  // from 64 on, until it overflows
    assign mix  = mixing[6];
    assign seed = seeding[0];
    always @(posedge clk)
        if (load) begin
            seeding <= rst ? 32'd0 : write_data;
            mixing  <= 7'd64;
        end else if (mix) begin
            seeding <= seeding >> 1;
            mixing  <= mixing + 7'd1;
        end

    // The order of updates.
    always @(posedge clk)
        if (rst) begin
            phase  <= 0;
            update <= 0;
        end else if (running) begin
            update <= !update;
            if (update) phase <= last ? PHASE_BITS'(0) : phase + PHASE_BITS'(1);
        end

    // How many sweeps are left: a sweep that is under way is finished.
    always @(posedge clk)
        if (rst) remaining <= 0;
        else if (set_register && index == RUN)
            remaining <= (write_data == 0 && under_way && !last) ? 32'd1 : write_data;
        else if (last) remaining <= remaining - 32'd1;

    // The stage of the schedule. Whether the next begins with the next sweep is known a clock after a sweep ends, which
    // takes two at least.
    reg due;
    always @(posedge clk) due <= sweep == ends[stage];

    always @(posedge clk)
        if (rst || (set_register && index == SWEEP)) begin
            sweep <= 0;
            stage <= 0;
            fixed <= 0;
        end else begin
            if (last) begin
                sweep <= sweep + 32'd1;
                if (due && !fixed && stage != STAGE_BITS'(STAGES - 1))
                    stage <= stage + STAGE_BITS'(1);
            end
            if (set_register && index == STAGE && write_data < STAGES) begin
                stage <= write_data[STAGE_BITS-1:0];
                fixed <= 1;
            end
        end

    // The units.
    integer u;
    always @(posedge clk)
        if (rst) begin
            states <= START;
            held   <= HELD;
        end else begin
            for (u = 0; u < UNITS; u = u + 1)
                if (running && update && phase == PHASE_OF[u*PHASE_BITS +: PHASE_BITS] && !held[u])
                    states[u*STATE_BITS +: STATE_BITS] <= drawn[u*STATE_BITS +: STATE_BITS];
            if (write_enable && space == STATES) states[index*32 +: 32] <= write_data;
            if (write_enable && space == MASK) held[index*32 +: 32] <= write_data;
        end

    always @(posedge clk)
        case (space)
            STATES:  read_data <= states[index*32 +: 32];
            MASK:    read_data <= held[index*32 +: 32];
            default:
                case (index)
                    RUN:     read_data <= remaining;
                    SWEEP:   read_data <= sweep;
                    STAGE:   read_data <= 32'(stage);
                    SIZE:    read_data <= UNITS;
                    default: read_data <= 0;
                endcase
        endcase
endmodule
