// The registers of `ppl_top` behind four wires, so that a design fits any package.
//
// SPI, mode 0, the highest bit first, sck at most an eighth of clk. A frame is 48 bits under a low cs_n: a 1 to write,
// 15 bits of address, 32 bits of data, which are what is written, or on miso what is read.
module ppl_ice40 #(
    parameter integer ADDRESS_BITS = 5
) (
    input  wire clk,
    input  wire sck,
    input  wire cs_n,
    input  wire mosi,
    output wire miso
);
    // All registers are 0 once the device is configured; those of `ppl_top` begin with a reset.
    reg [3:0] age = 0;
    wire      young = age != 4'hf;
    always @(posedge clk) if (young) age <= age + 4'd1;

    // Wires of another clock: two registers until they are stable, a third of sck to see it change.
    reg [2:0] sck_seen = 0;
    reg [1:0] cs_seen = 0, mosi_seen = 0;
    always @(posedge clk) begin
        sck_seen  <= {sck_seen[1:0], sck};
        cs_seen   <= {cs_seen[0], !cs_n};
        mosi_seen <= {mosi_seen[0], mosi};
    end
    wire rise = sck_seen[2:1] == 2'b01;
    wire fall = sck_seen[2:1] == 2'b10;

    reg  [5:0]              count = 0;  // of bits, up to 63
    reg  [31:0]             in = 0, out = 0;
    reg                     writing = 0, write_enable = 0;
    reg  [ADDRESS_BITS-1:0] address = 0;
    wire [31:0]             read_data;

    assign miso = out[31];

    always @(posedge clk) begin
        write_enable <= 0;
        if (!cs_seen[1]) count <= 0;
        else begin
            if (rise) begin
                in <= {in[30:0], mosi_seen[1]};
                if (count != 6'd63) count <= count + 6'd1;
                if (count == 6'd15) begin
                    writing <= in[14];
                    address <= {in[ADDRESS_BITS-2:0], mosi_seen[1]};
                end
                if (count == 6'd47) write_enable <= writing;
            end
            if (fall) out <= count == 6'd16 ? read_data : {out[30:0], 1'b0};
        end
    end

    ppl_top top (
        .clk(clk), .rst(young), .address(address), .write_enable(write_enable), .write_data(in),
        .read_data(read_data)
    );
endmodule
